"""Which areas' acts and alerts concern an area. Pure."""

from vardkase_contracts.areas import Area, areas_of


def inside(area: Area) -> list[str]:
    """The codes of an area and of those that lie in it, by level: Gotland's kommun does not have its län in it."""
    codes = {area.code, *area.kommuner()}
    if area.level in {"civo", "nation"}:
        codes.update(area.lan)
    if area.level == "nation":
        codes.update(each.code for kommun in area.kommuner() for each in areas_of(kommun))
    return sorted(codes)


def concerning(area: Area) -> list[str]:
    """The codes of `inside`, and of the areas around it: what is asked of these is asked of it."""
    around = (each.code for each in areas_of(area.kommuner()[0]) if set(area.kommuner()) <= set(each.kommuner()))
    return sorted({*inside(area), *around})
