/// What to tell somebody who asks for events from an id on that are not there any more; nil where that is not so.
///
/// - Parameter lowest: the lowest id that is there.
func purgedNote(from first: Int64, lowest: Int64?) -> String? {
    guard let lowest else { return "the outbox holds no event: whatever it held was purged" }
    return lowest > first ? "the outbox begins with event \(lowest): lower ones were purged, or are not committed" : nil
}
