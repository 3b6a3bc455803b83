/** What is foreseen and proposed, in Swedish. */

export default {
  foreseen: {
    title: "Prognos",
    power: () => "El",
    water: () => "Vatten",
    heat: (limit) => (limit === "" ? "Värme" : `Under ${limit}`),
    capacity: (limit) => (limit === "" ? "Platser" : `Fullt (${limit})`),
    from: (time) => `trend: tidigast ${time}`,
    between: (one, other) => `trend: ${one}–${other}`,
    passed: (time) => `redan ${time}`,
    not_foreseen: "inte inom 30 dygn med nuvarande trend",
    too_few: "kan inte bedömas",
    not_known: "okänt",
  },
  proposals: {
    show: "Föreslå vem som kan hjälpa vem",
    none: "Inget överskott passar något behov.",
    some: (count) => `Förslag: ${count}. Var kommun godtar sin sida.`,
    km: (km) => `${km} km fågelvägen`,
    by: (time) => `framme ${time}`,
    late: (time) => `framme först ${time}`,
    "accept.need": "Godta för den som behöver",
    "accept.surplus": "Godta för den som ger",
    "accepted.need": "den som behöver har godtagit",
    "accepted.surplus": "den som ger har godtagit",
    pass: "Skicka förslaget till kommunerna",
    passed: "Skickat som anteckning till kommunerna.",
    done: "Rapporterat. Avtalat är det när båda sidor har godtagit.",
    note: "Förslag",
  },
};
