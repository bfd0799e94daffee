/// The names of files that were put aside: that of the file, a dot and a number that counts up, `events.jsonl.000001`.
/// So names of one file sort in the order of writing.
enum RotatedName {
    static func make(_ name: String, _ number: Int) -> String {
        let digits = String(number)
        return name + "." + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    }

    /// One above the highest that is there, perhaps compressed. What has more than 15 digits is no name of ours.
    static func next(after names: [String], of name: String) -> Int {
        names.reduce(1) { next, other in
            guard other.hasPrefix(name + ".") else { return next }
            let digits = other.dropFirst(name.count + 1).prefix { $0.isASCII && $0.isNumber }
            guard digits.utf8.count >= 6, digits.utf8.count <= 15, let number = Int(digits) else { return next }
            return max(next, number + 1)
        }
    }
}
