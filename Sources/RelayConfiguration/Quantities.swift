private import RelayCore

extension Duration {
    /// Reads a whole number and its unit: `500ms`, `5s`, `2m`, `1h`, `7d`. `nil` for all else, overflow included.
    package init?(configured text: String) {
        let milliseconds: [String: Int64] = ["ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]
        guard let (number, unit) = splitQuantity(text), let factor = milliseconds[unit] else { return nil }
        let (total, overflow) = number.multipliedReportingOverflow(by: factor)
        guard !overflow else { return nil }
        self = .milliseconds(total)
    }

    /// The same back, in the largest unit that holds it whole.
    package var configured: String {
        let milliseconds = self.milliseconds
        let units: [(String, Int64)] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)]
        for (unit, factor) in units where milliseconds != 0 && milliseconds % factor == 0 {
            return "\(milliseconds / factor)\(unit)"
        }
        return "\(milliseconds)ms"
    }
}

/// A number of bytes.
package enum ByteCount {
    private static let units: [(name: String, factor: Int64)] = [
        ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1), ("", 1),
    ]

    /// Reads a whole number and its unit: `64MiB`, `512KiB`, `1GiB`, `1TiB`; `B` or nothing means bytes. `nil` for
    /// all else, overflow included.
    package static func parse(_ text: String) -> Int? {
        guard let (number, unit) = splitQuantity(text), let factor = units.first(where: { $0.name == unit })?.factor
        else { return nil }
        let (total, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : Int(exactly: total)
    }

    /// The same back, in the largest unit that holds it whole.
    package static func text(_ bytes: Int) -> String {
        let unit = units.first { bytes != 0 && Int64(bytes) % $0.factor == 0 } ?? ("B", 1)
        return "\(Int64(bytes) / unit.factor)\(unit.name)"
    }
}

/// `64MiB` as (64, "MiB"). Only ASCII digits count as digits.
private func splitQuantity(_ text: String) -> (Int64, String)? {
    let digits = text.prefix { ("0"..."9").contains($0) }
    guard let number = Int64(digits) else { return nil }
    return (number, String(text.dropFirst(digits.count)))
}
