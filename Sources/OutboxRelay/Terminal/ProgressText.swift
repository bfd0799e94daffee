/// What is counted.
enum ProgressUnit: Sendable, Hashable, ExpressibleByStringLiteral {
    /// Things of this name, in the plural.
    case things(String)
    case bytes

    init(stringLiteral name: String) { self = .things(name) }

    fileprivate func amount(_ count: Int64, of total: Int64?) -> String {
        switch self {
        case .things(let name):
            (total.map { "\(ShownQuantity.count(count)) of \(ShownQuantity.count($0))" } ?? ShownQuantity.count(count))
                + " \(name)"
        case .bytes:
            total.map { "\(ShownQuantity.bytes(count)) of \(ShownQuantity.bytes($0))" } ?? ShownQuantity.bytes(count)
        }
    }

    fileprivate func rate(_ perSecond: Double) -> String {
        switch self {
        case .bytes: return ShownQuantity.bytes(Int64(min(perSecond, 1e18))) + "/s"
        case .things:
            guard perSecond < 10 else { return ShownQuantity.count(Int64(min(perSecond.rounded(), 1e18))) + "/s" }
            return ShownQuantity.tenths(perSecond) + "/s"
        }
    }
}

/// The words of a line of progress: count, percent, rate and remaining time, as far as they are known and fit.
struct ProgressText: Sendable {
    var unit: ProgressUnit
    var count: Int64
    var total: Int64?
    /// Of the whole, 0 to 1.
    var fraction: Double?
    var perSecond: Double?
    /// Seconds.
    var remaining: Double?

    /// The fullest form that fits into so many columns.
    func text(columns: Int) -> String {
        let amount = unit.amount(count, of: total)
        // Rounded down: all is done at 100, and not before.
        let percent = fraction.map { "\(Int(min(max($0, 0), 1) * 100)) %" }
        let rate = perSecond.map(unit.rate)
        let isDone = fraction.map { $0 >= 1 } ?? false
        let left = isDone ? nil : remaining.map { ShownQuantity.duration(seconds: max(1, $0.rounded())) + " left" }
        let forms: [[String?]] = [
            [amount, percent, rate, left], [amount, percent, left], [percent ?? amount, left], [percent ?? amount],
        ]
        let texts = forms.map { $0.compactMap(\.self).joined(separator: "  ") }
        return texts.first { $0.columns <= columns } ?? (texts.last ?? "").fitted(to: columns)
    }
}
