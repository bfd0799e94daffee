import ArgumentParser

/// A share of all transfers, written `5%`.
struct Percentage: ExpressibleByArgument, Sendable, CustomStringConvertible {
    /// From 0 to 100.
    let percent: Double

    init(percent: Double) { self.percent = percent }

    /// `nil` for what is no number from 0 to 100, with or without the sign.
    init?(argument: String) {
        guard let percent = Double(argument.hasSuffix("%") ? String(argument.dropLast()) : argument),
            (0...100).contains(percent)
        else { return nil }
        self.percent = percent
    }

    var description: String { "\(percent.formattedWithoutZero)%" }
}

/// A length of time, written `500ms`, `60s`, `5m` or `1h`.
struct TimeSpan: ExpressibleByArgument, Sendable, CustomStringConvertible {
    /// Above zero, at most 1000 days.
    let duration: Duration
    let description: String

    init(seconds: Int) {
        duration = .seconds(seconds)
        description = "\(seconds)s"
    }

    /// `nil` for all else.
    init?(argument: String) {
        let units: [(suffix: String, seconds: Double)] = [
            ("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86_400),
        ]
        guard let unit = units.first(where: { argument.hasSuffix($0.suffix) }),
            let number = Double(argument.dropLast(unit.suffix.count)),
            case let seconds = number * unit.seconds, seconds > 0, seconds <= 86_400_000
        else { return nil }
        duration = .seconds(seconds)
        description = argument
    }
}

extension Double {
    fileprivate var formattedWithoutZero: String { self == rounded() ? String(Int(self)) : String(self) }
}
