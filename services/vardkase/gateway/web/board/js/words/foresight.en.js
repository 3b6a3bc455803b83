/** What is foreseen and proposed, in English. */

export default {
  foreseen: {
    title: "Forecast",
    power: () => "Power",
    water: () => "Water",
    heat: (limit) => (limit === "" ? "Warmth" : `Below ${limit}`),
    capacity: (limit) => (limit === "" ? "Places" : `Full (${limit})`),
    from: (time) => `trend: ${time} at the earliest`,
    between: (one, other) => `trend: ${one}–${other}`,
    passed: (time) => `already at ${time}`,
    not_foreseen: "not within 30 days at this trend",
    too_few: "cannot be said",
    not_known: "unknown",
  },
  proposals: {
    show: "Propose who could help whom",
    none: "No surplus fits a need.",
    some: (count) => `Proposals: ${count}. Each kommun says yes to its side.`,
    km: (km) => `${km} km as the crow flies`,
    by: (time) => `there ${time}`,
    late: (time) => `not there before ${time}`,
    "accept.need": "Accept for who needs it",
    "accept.surplus": "Accept for who gives it",
    "accepted.need": "who needs it has agreed",
    "accepted.surplus": "who gives it has agreed",
    pass: "Send the proposal to the kommuner",
    passed: "Sent to the kommuner as a note.",
    done: "Reported. It is agreed when both sides have accepted.",
    note: "Proposal",
  },
};
