"""What was known of one transaction at a moment, by going through its reports one by one."""


def standing(own, own_at, reports, moment):
    """0, 1 or None: the latest report up to the moment, or the row's own label where none stands."""
    state = None
    for at, outcome in sorted(reports, key=lambda report: (report[0], (None, 0, 1).index(report[1]))):
        if at <= moment:
            state = outcome
    if state is None and own is not None and own_at <= moment:
        return own
    return state


def known(own, own_at, reports, moment):
    """(label, since when) at a moment; (None, None) where nothing is known."""
    label = standing(own, own_at, reports, moment)
    if label is None:
        return None, None
    moments = sorted({at for at, _ in reports} | ({own_at} if own is not None else set()), reverse=True)
    since = None
    for at in [m for m in moments if m <= moment]:
        if standing(own, own_at, reports, at) != label:
            break
        since = at
    return label, since
