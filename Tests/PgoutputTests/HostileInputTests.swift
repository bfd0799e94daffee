import PostgresOutbox
import RelayCore
import Testing

@Suite("Messages that are broken")
struct HostileInputTests {
    private static let messages: [[UInt8]] = [
        Messages.wal(Messages.begin(1)), Messages.wal(Messages.relation()), Messages.wal(Messages.insert()),
        Messages.wal(Messages.commit()), Messages.keepalive(1, reply: true),
    ]

    @Test(arguments: messages)
    func everyTruncationIsRefused(message: [UInt8]) throws {
        for length in 0..<message.count {
            var receiver = Receiver()
            if message[..<min(26, message.count)].last != UInt8(ascii: "B") {
                try receiver.receive(wal: Messages.begin(1))
            }
            try receiver.receive(wal: Messages.relation())
            // All messages end with what they need, so none is whole without its last byte.
            #expect(throws: PgoutputError.self) { try receiver.receive(Array(message[..<length])) }
            #expect(receiver.ids.isEmpty)
        }
    }

    @Test func lengthsThatLie() throws {
        for length in [-1, Int32.min, Int32.max, 1000, 3] as [Int32] {
            var receiver = Receiver()
            try receiver.receive(wal: Messages.begin(1))
            try receiver.receive(wal: Messages.relation())
            var insert = Messages.insert()
            // Behind the type, the relation, "N", the count of columns and "t".
            insert.replaceSubrange(9..<13, with: Messages.integer(length))
            #expect(throws: PgoutputError.self) { try receiver.receive(wal: insert) }
        }
        for count in [-1, Int16.min, Int16.max, 7, 9] as [Int16] {
            var receiver = Receiver()
            try receiver.receive(wal: Messages.begin(1))
            try receiver.receive(wal: Messages.relation())
            var insert = Messages.insert()
            insert.replaceSubrange(6..<8, with: Messages.integer(count))
            #expect(throws: PgoutputError.self) { try receiver.receive(wal: insert) }
        }
    }

    @Test(arguments: [1, 20_261_121, 3_000_000_019] as [UInt64])
    func mutationsNeverTrap(seed: UInt64) throws {
        var random = SplitMix(state: seed)
        for _ in 0..<8_000 {
            var receiver = Receiver()
            var whole = true
            for message in Self.messages {
                var mutated = message
                if Int.random(in: 0..<3, using: &random) == 0 {
                    whole = false
                    Self.mutate(&mutated, using: &random)
                }
                _ = try? receiver.receive(mutated)
            }
            if whole { try #require(receiver.ids == [42]) }
        }
    }

    private static func mutate(_ message: inout [UInt8], using random: inout SplitMix) {
        for _ in 0...Int.random(in: 0..<4, using: &random) where !message.isEmpty {
            let position = Int.random(in: 0..<message.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: message[position] = UInt8.random(in: 0...255, using: &random)
            case 1: message[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 2: message.remove(at: position)
            case 3: message.insert([0, 1, 127, 128, 255].randomElement(using: &random) ?? 0, at: position)
            default: message.removeLast(message.count - position)
            }
        }
    }
}

/// A small generator with a seed (SplitMix64).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
