extension JSONValue: CustomStringConvertible {
    /// The value as JSON text, without spaces.
    package var description: String {
        var text = ""
        write(to: &text)
        return text
    }

    private func write(to text: inout String) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .number(let digits): text += digits
        case .string(let string): Self.write(string, to: &text)
        case .array(let elements):
            var separator = "["
            for element in elements {
                text += separator
                element.write(to: &text)
                separator = ","
            }
            text += elements.isEmpty ? "[]" : "]"
        case .object(let members):
            var separator = "{"
            for member in members {
                text += separator
                Self.write(member.name, to: &text)
                text += ":"
                member.value.write(to: &text)
                separator = ","
            }
            text += members.isEmpty ? "{}" : "}"
        }
    }

    private static func write(_ string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case ..<" ":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}

extension JSONValue: ExpressibleByDictionaryLiteral, ExpressibleByStringLiteral {
    package init(stringLiteral value: String) { self = .string(value) }

    package init(dictionaryLiteral members: (String, JSONValue)...) {
        self = .object(members.map { Member(name: $0.0, value: $0.1) })
    }
}
