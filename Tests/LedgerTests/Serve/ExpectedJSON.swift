import Foundation
import RelayTestKit

/// JSON as an example shows it: `"<name>"` is a value that has that name from then on, `"…"` any other but null, and `…` at the
/// end of an object stands for further members. All else must be there, and be equal.
struct ExpectedJSON {
    /// What `"<name>"` stood for so far, as text.
    typealias Names = [String: String]

    private let value: JSON

    init(_ text: String) throws {
        let marked = text.replacing(/(\{|, ?)\s*…\s*\}/) { #"\#($0.output.1)"…":"…"}"# }
        value = try JSONDecoder().decode(JSON.self, from: Data(marked.utf8))
    }

    /// How an answer differs, each with its place; what it names is added to `names`.
    func differences(from answer: [UInt8], _ names: inout Names) -> [String] {
        guard let answer = try? JSONDecoder().decode(JSON.self, from: Data(answer)) else { return ["no JSON"] }
        return Self.differences(value, answer, at: "answer", &names)
    }

    /// Puts values in the place of their names.
    static func filled(_ text: String, _ names: Names, encode: (String) -> String = { $0 }) throws -> String {
        try text.replacing(/<([a-z_]+)>/) { match in
            let (placeholder, name) = match.output
            guard let value = names[String(name)] else { throw KitFailure("nothing is called \(placeholder)") }
            return encode(value)
        }
    }

    private static func differences(
        _ expected: JSON, _ found: JSON, at place: String, _ names: inout Names
    ) -> [String] {
        switch (expected, found) {
        case (.object(let expected), .object(let found)):
            var faults: [String] = []
            for (name, value) in expected.sorted(by: { $0.key < $1.key }) where name != "…" {
                guard let found = found[name] else {
                    faults.append("\(place) has no \(name)")
                    continue
                }
                faults += differences(value, found, at: "\(place).\(name)", &names)
            }
            let unexpected = expected["…"] == nil ? found.keys.filter { expected[$0] == nil }.sorted() : []
            return faults + unexpected.map { "\(place) has \($0), too" }
        case (.array(let expected), .array(let found)) where expected.count == found.count:
            return zip(expected, found).enumerated().flatMap { index, pair in
                differences(pair.0, pair.1, at: "\(place)[\(index)]", &names)
            }
        case (.string("…"), .string), (.string("…"), .number), (.string("…"), .bool): return []
        case (.string(let text), _):
            if let name = text.wholeMatch(of: /<([a-z_]+)>/)?.output.1, let scalar = found.scalar {
                let known = names[String(name), default: scalar]
                names[String(name)] = known
                return known == scalar ? [] : ["\(place) is \(scalar), and <\(name)> is \(known)"]
            }
            fallthrough
        default: return expected == found ? [] : ["\(place) is \(found), not \(expected)"]
        }
    }
}

/// JSON without fractions, which the API has none of.
private enum JSON: Decodable, Equatable {
    case null
    case bool(Bool)
    case number(Int64)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let number = try? value.decode(Int64.self) {
            self = .number(number)
        } else if let string = try? value.decode(String.self) {
            self = .string(string)
        } else if let array = try? value.decode([JSON].self) {
            self = .array(array)
        } else {
            self = .object(try value.decode([String: JSON].self))
        }
    }

    /// A string or a number, as text.
    var scalar: String? {
        switch self {
        case .string(let text): text
        case .number(let number): String(number)
        default: nil
        }
    }
}
