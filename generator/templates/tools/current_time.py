    match = re.fullmatch(r"([+-])([01][0-9]|2[0-3]):([0-5][0-9])", utc_offset.replace("Z", "+00:00"))
    if match is None:
        raise ValueError("utc_offset must look like +02:00")
    sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return datetime.now(timezone(-offset if sign == "-" else offset)).isoformat(timespec="seconds")
