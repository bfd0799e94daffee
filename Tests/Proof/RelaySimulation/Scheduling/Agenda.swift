/// What is to happen at a time: a heap, in which of two things at one time the one that was entered first comes first.
struct Agenda {
    struct Entry {
        /// Microseconds since the simulation began.
        var time: Int64
        var number: Int
        /// Whose jobs come of it.
        var process: Int
        var action: () -> Void

        func precedes(_ other: Entry) -> Bool { (time, number) < (other.time, other.number) }
    }

    private var heap: [Entry] = []
    private var entered = 0

    var isEmpty: Bool { heap.isEmpty }
    var nextTime: Int64? { heap.first?.time }

    mutating func enter(at time: Int64, process: Int, _ action: @escaping () -> Void) {
        entered += 1
        heap.append(Entry(time: time, number: entered, process: process, action: action))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].precedes(heap[parent]) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func next() -> Entry? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return first }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].precedes(heap[least])
            {
                least = child
            }
            guard least != parent else { return first }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
