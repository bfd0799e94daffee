import RelayTestKit

/// Makes random sequences of steps: a seed always gives the same one. Most steps make sense; some are what a ledger is to
/// refuse.
struct SequenceGenerator {
    /// How many steps a sequence has.
    static let lengths = 5...25
    /// No step has it: what refers to it refers to nothing.
    static let nobody = 999

    private var random: SeededRandom
    private var steps: [LedgerStep] = []
    /// Tells which steps made something.
    private var model = ReferenceLedger()

    static func sequence(seed: UInt64) -> [LedgerStep] {
        var generator = SequenceGenerator(random: SeededRandom(seed: seed))
        let length = generator.number(lengths)
        let opened = generator.number(2...4)
        for label in 0..<length {
            let action = label < opened ? generator.opening() : generator.action()
            generator.add(LedgerStep(label: label, action: action))
        }
        return generator.steps
    }

    private init(random: SeededRandom) { self.random = random }

    private mutating func add(_ step: LedgerStep) {
        steps.append(step)
        _ = try? model.apply(step)
    }

    private mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

    private mutating func opening() -> LedgerStep.Action {
        .open(
            AccountKind(
                asset: random.chance(0.65) ? .dollars : .euros, isDebit: random.chance(0.5),
                mayGoNegative: random.chance(0.7)))
    }

    private mutating func action() -> LedgerStep.Action {
        let choice = number(0...99)
        // What has nothing to refer to yet is rarely asked for.
        let kinds = Set(model.transfers.map(\.kind))
        if 54..<78 ~= choice, !kinds.contains(.hold), random.chance(0.9) { return .hold(request()) }
        if 78..<89 ~= choice, kinds.isEmpty, random.chance(0.9) { return .post(request()) }
        return switch choice {
        case 0..<36: .post(request())
        case 36..<54: .hold(request())
        case 54..<70: settlement()
        case 70..<78: .release(hold: hold())
        case 78..<89: .reverse(transfer: label { ![.hold, .release].contains($0.kind) })
        case 89..<96: repetition()
        default: opening()
        }
    }

    /// A step that made such a transfer, as a rule; any step, or none, as an exception.
    private mutating func label(_ isMeant: (ReferenceLedger.Transfer) -> Bool) -> Int {
        if random.chance(0.03) { return Self.nobody }
        let made = model.made.filter { isMeant(model.transfers[$0.value]) }.map(\.key).sorted()
        let any = steps.map(\.label)
        return (random.chance(0.07) ? any : made).randomElement(using: &random) ?? any.last ?? Self.nobody
    }

    /// A hold, more often one of which something is still held.
    private mutating func hold() -> Int {
        let holds = model.made.filter { model.transfers[$0.value].kind == .hold }
        let open = holds.filter { !model.stillHeld($0.value).isEmpty }.map(\.key).sorted()
        if random.chance(0.7), let one = open.randomElement(using: &random) { return one }
        return label { $0.kind == .hold }
    }

    /// An earlier step again, word by word.
    private mutating func repetition() -> LedgerStep.Action {
        let known = steps.filter { $0.action.request?.externalID != nil }
        let meant = known.isEmpty || random.chance(0.3) ? steps.filter { !$0.action.isOpening } : known
        return meant.randomElement(using: &random)?.action ?? opening()
    }

    /// All that is held, or two of the legs in part.
    private mutating func settlement() -> LedgerStep.Action {
        let hold = hold()
        let held = steps.first { $0.label == hold }?.action.request?.legs ?? []
        guard random.chance(0.7), let debit = held.filter({ $0.amount > 0 }).randomElement(using: &random),
            let credit = held.filter({ $0.amount < 0 && $0.asset == debit.asset }).randomElement(using: &random)
        else { return .settle(hold: hold, legs: nil) }
        let most = min(debit.amount, Int(clamping: credit.amount.magnitude))
        let part = random.chance(0.15) ? most &+ 1 : number(1...most)
        var legs = [debit, credit]
        (legs[0].amount, legs[1].amount) = (part, 0 &- part)
        spoil(&legs)
        return .settle(hold: hold, legs: legs)
    }

    private mutating func request() -> TransferRequest {
        var legs: [Leg] = []
        let assets = random.chance(0.75) ? 1 : 2
        for asset in Asset.allCases.shuffled(using: &random).prefix(assets) { legs += balanced(asset, parts: assets) }
        if legs.isEmpty { legs = balanced(.dollars, parts: 1) }
        legs.shuffle(using: &random)
        spoil(&legs)
        return TransferRequest(legs: legs, externalID: externalID())
    }

    /// A new external id or, now and then, one that was used for something else.
    private mutating func externalID() -> Int? {
        let used = steps.compactMap(\.action.request?.externalID)
        if random.chance(0.06), let one = used.randomElement(using: &random) { return one }
        return random.chance(0.4) ? steps.count : nil
    }

    /// Legs in one asset that sum to zero: two to five, or two to three where there is another asset; none without accounts.
    private mutating func balanced(_ asset: Asset, parts: Int) -> [Leg] {
        let accounts = steps.filter { $0.action.kind?.asset == asset }.map(\.label)
        guard !accounts.isEmpty else { return [] }
        let isHuge = random.chance(0.04)
        let others = isHuge || random.chance(0.6) ? 1 : number(1...(parts == 1 ? 4 : 2))
        var amounts = (0..<others).map { _ in
            isHuge ? Int.max / number(1...2) - number(0...50) : number(1...100) * (random.chance(0.7) ? 1 : -1)
        }
        let last = -amounts.reduce(0, +)
        if last != 0 { amounts.append(last) }
        if random.chance(0.5) { amounts = amounts.map { -$0 } }
        return amounts.map {
            Leg(account: accounts.randomElement(using: &random) ?? Self.nobody, asset: asset, amount: $0)
        }
    }

    /// Makes one in ten requests wrong.
    private mutating func spoil(_ legs: inout [Leg]) {
        guard random.chance(0.1), let index = legs.indices.randomElement(using: &random) else { return }
        switch number(0...9) {
        case 0..<3: legs[index].amount &+= 1
        case 3..<5: legs[index].account = Self.nobody
        case 5..<7: for each in legs.indices { legs[each].asset = legs[index].asset == .dollars ? .euros : .dollars }
        case 7: legs[index].amount = 0
        case 8: legs[index].amount = .min
        default: legs = [legs[index]]
        }
    }
}

extension LedgerStep.Action {
    /// What a step that opens an account opens.
    var kind: AccountKind? {
        if case .open(let kind) = self { kind } else { nil }
    }

    /// What a step that posts or holds asks for.
    var request: TransferRequest? {
        switch self {
        case .post(let request), .hold(let request): request
        default: nil
        }
    }

    var isOpening: Bool { kind != nil }
}
