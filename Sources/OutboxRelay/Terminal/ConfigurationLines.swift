import RelayConfiguration
import RelayObservability

/// The effective configuration for people: a table of the options, and one of what each sink is told.
extension EffectiveConfiguration {
    var lines: [StyledLine] { optionTable.lines + [StyledLine()] + sinkTable.lines }

    private var optionTable: TextTable {
        var table = TextTable([.init(title: "OPTION"), .init(title: "VALUE"), .init(title: "FROM")])
        for option in options {
            table.append([
                .init(text: option.key.rawValue), .init(text: option.value.map(oneLine) ?? "-"), option.origin.cell,
            ])
        }
        return table
    }

    private var sinkTable: TextTable {
        var table = TextTable([
            .init(title: "SINK"), .init(title: "KEY"), .init(title: "VALUE"), .init(title: "FROM"),
        ])
        for sink in sinks {
            for value in sink.values {
                table.append([
                    .init(text: sink.name), .init(text: oneLine(value.key)), .init(text: oneLine(value.text.words)),
                    value.origin.cell,
                ])
            }
        }
        return table
    }
}

extension EffectiveConfiguration.SinkValue.Text {
    fileprivate var words: String {
        switch self {
        case .one(let text): text
        case .list(let texts): texts.joined(separator: ", ")
        }
    }
}

extension EffectiveConfiguration.Origin {
    fileprivate var cell: TextTable.Cell {
        .init(text: oneLine(place ?? layer.rawValue), style: layer == .default ? .faint : .plain)
    }
}
