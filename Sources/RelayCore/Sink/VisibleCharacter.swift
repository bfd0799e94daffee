extension Character {
    /// Whether it may stand in a message as it is: control characters could rewrite a terminal; line ends and marks of
    /// direction could forge a log line.
    package var isVisible: Bool {
        unicodeScalars.allSatisfy { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
            default: true
            }
        }
    }
}
