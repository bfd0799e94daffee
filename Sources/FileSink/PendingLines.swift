/// The lines of a delivery that were handed to the system and are not durable yet.
///
/// A delivery's events are counted in their order; those that were in the files already count like those written.
struct PendingLines: Sendable {
    private(set) var ids: [Int64] = []
    private(set) var times: [FileTime] = []
    /// Where each line ends in the file.
    private var ends: [Int] = []
    /// Which event of the delivery each line is, counted from 0.
    private var places: [Int] = []

    /// Which event the first of the lines is.
    var firstPlace: Int? { places.first }

    /// Takes a line that ends at `end`.
    mutating func append(_ id: Int64, _ time: FileTime, end: Int, place: Int) {
        ids.append(id)
        times.append(time)
        ends.append(end)
        places.append(place)
    }

    /// The file is whole up to `size` bytes: drops the lines that do not lie within.
    ///
    /// - Returns: where the last of the others ends, nil where there is none; and the place of the first that was
    ///   dropped, nil where none was.
    mutating func keep(within size: Int) -> (end: Int?, firstDropped: Int?) {
        let whole = ends.firstIndex { $0 > size } ?? ends.count
        let firstDropped = whole < places.count ? places[whole] : nil
        let count = ends.count - whole
        ids.removeLast(count)
        times.removeLast(count)
        ends.removeLast(count)
        places.removeLast(count)
        return (ends.last, firstDropped)
    }

    /// They are durable, or will be written again.
    mutating func removeAll() {
        ids.removeAll(keepingCapacity: true)
        times.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        places.removeAll(keepingCapacity: true)
    }
}
