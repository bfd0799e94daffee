/// A table whose columns stand one below the other, for people.
struct TextTable: Sendable {
    struct Column: Sendable {
        var title: String
        /// Numbers end at one edge.
        var isNumber = false
    }

    struct Cell: Sendable {
        var text: String
        var style = TextStyle.plain
    }

    /// Blanks between two columns.
    private static let gap = "  "

    private let columns: [Column]
    private var rows: [[Cell]] = []

    init(_ columns: [Column]) {
        self.columns = columns
    }

    /// Adds a row; what it lacks is empty.
    mutating func append(_ cells: [Cell]) {
        rows.append(cells)
    }

    /// The titles, then a line for each row.
    var lines: [StyledLine] {
        let titles = columns.map { Cell(text: $0.title, style: .heading) }
        let all = [titles] + rows
        let widths = columns.indices.map { index in
            all.map { index < $0.count ? $0[index].text.columns : 0 }.max() ?? 0
        }
        return all.map { line($0, widths) }
    }

    private func line(_ cells: [Cell], _ widths: [Int]) -> StyledLine {
        var line = StyledLine()
        for (index, cell) in zip(columns.indices, cells) {
            if index > 0 { line.append(Self.gap) }
            let blanks = String(repeating: " ", count: widths[index] - cell.text.columns)
            if columns[index].isNumber { line.append(blanks) }
            line.append(cell.text, cell.style)
            // Nothing behind the last one: a line of blanks would be cut or copied for nothing.
            if !columns[index].isNumber, index < cells.count - 1 { line.append(blanks) }
        }
        return line
    }
}
