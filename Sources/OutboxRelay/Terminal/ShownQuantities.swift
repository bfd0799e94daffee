/// Quantities as people read them; programs have them in JSON.
enum ShownQuantity {
    /// `1,234,567`
    static func count(_ number: Int64) -> String {
        var digits = String(number.magnitude)
        var groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        return (number < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
    }

    /// `512 B`, `1.5 MiB`
    static func bytes(_ number: Int64) -> String {
        var value = Double(number)
        var unit = "B"
        for larger in ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] where value >= 1024 {
            (value, unit) = (value / 1024, larger)
        }
        return unit == "B" ? "\(number) B" : "\(tenths(value)) \(unit)"
    }

    /// `0.4s`, `12s`, `3m 5s`, `2h 10m`, `5d 3h`: the two largest units.
    static func duration(seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e12 else { return "very long" }
        guard seconds >= 1 else { return "\(tenths(max(0, seconds)))s" }
        let whole = Int64(seconds)
        let parts: [(Int64, String)] = [
            (whole / 86_400, "d"), (whole / 3600 % 24, "h"), (whole / 60 % 60, "m"), (whole % 60, "s"),
        ]
        let shown = parts.drop { $0.0 == 0 }.prefix(2).filter { $0.0 > 0 }
        return shown.map { "\($0.0)\($0.1)" }.joined(separator: " ")
    }

    /// A number with one digit behind the point.
    static func tenths(_ value: Double) -> String {
        let tenths = Int64((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
