import LedgerCore

/// What can happen next in a `RequestWorld`, and what it leads to.
package struct RequestStepper {
    package enum Step: Hashable, Sendable {
        /// A client sends its request.
        case send(client: Int)
        /// A server does the next thing in the database; `looksAbandoned` where it may see another attempt as too old.
        case act(client: Int, looksAbandoned: Bool)
        /// The transaction that has the row commits, is refused, or is undone.
        case commit
        case refuse
        case undo
        /// Its session is lost: the transaction goes on, unheard.
        case loseSession
        /// A server hears what became of it.
        case hear(client: Int, isLate: Bool)
        /// What has happened is not heard of: the session went.
        case miss(client: Int, isLate: Bool)
        /// A server dies; its client knows nothing.
        case crash(client: Int)
    }

    let mutant: RequestMutant?

    package init(mutant: RequestMutant?) { self.mutant = mutant }

    /// Two clients want one thing, the third one another; each sends its request up to `tries` times.
    package static func start(tries: UInt8, crashes: UInt8, refusals: UInt8) -> RequestWorld {
        RequestWorld(
            row: nil,
            clients: [0, 0, 1].map { RequestWorld.Client(body: $0, machine: nil, heard: nil, tries: tries) },
            posting: nil, done: [0, 0], crashes: crashes, refusals: refusals, fault: nil)
    }

    package func steps(_ world: RequestWorld) -> [Step] {
        var steps: [Step] = []
        for (number, client) in world.clients.enumerated() {
            guard let machine = client.machine else {
                if client.tries > 0, !client.isDone { steps.append(.send(client: number)) }
                continue
            }
            if world.crashes > 0 { steps.append(.crash(client: number)) }
            if client.heard != nil {
                for isLate in [false, true] {
                    steps.append(.hear(client: number, isLate: isLate))
                    if world.crashes > 0 { steps.append(.miss(client: number, isLate: isLate)) }
                }
            } else if world.posting?.client != UInt8(number), !isLocked(world, machine.action) {
                steps.append(.act(client: number, looksAbandoned: false))
                if case .reserve = machine.action, let row = world.row, row.answer == nil,
                    row.attempt != machine.attempt
                {
                    steps.append(.act(client: number, looksAbandoned: true))
                }
            }
        }
        if let posting = world.posting {
            steps += [.commit, .undo]
            if world.refusals > 0 { steps.append(.refuse) }
            if posting.client != nil, world.crashes > 0 { steps.append(.loseSession) }
        }
        return steps
    }

    /// Whether the statement waits for the transaction that has the row. Reading does not wait.
    private func isLocked(_ world: RequestWorld, _ action: RequestMachine<RequestWorld.Attempt>.Action) -> Bool {
        guard world.posting != nil else { return false }
        switch action {
        case .reserve: return world.row == nil
        case .answer: return false
        case .takeOver, .perform, .recordRefusal, .free: return true
        }
    }

    package func take(_ step: Step, _ world: inout RequestWorld) {
        switch step {
        case .send(let number):
            world.lastAttempt += 1
            world.clients[number].tries -= 1
            world.clients[number].machine = RequestMachine(attempt: world.lastAttempt)
        case .act(let number, let looksAbandoned):
            act(number, looksAbandoned, &world)
        case .commit:
            commit(&world)
        case .refuse:
            world.refusals -= 1
            end(.refused, &world)
        case .undo:
            end(.undone, &world)
        case .loseSession:
            world.crashes -= 1
            if let client = world.posting?.client { world.clients[Int(client)].heard = .unknown }
            world.posting?.client = nil
        case .hear(let number, let isLate):
            hear(number, isLate, nil, &world)
        case .miss(let number, let isLate):
            world.crashes -= 1
            hear(number, isLate, .unknown, &world)
        case .crash(let number):
            world.crashes -= 1
            world.clients[number].machine = nil
            world.clients[number].heard = nil
            if world.posting?.client == UInt8(number) { world.posting?.client = nil }
        }
    }

    private func hear(
        _ number: Int, _ isLate: Bool, _ instead: RequestMachine<RequestWorld.Attempt>.Outcome?,
        _ world: inout RequestWorld
    ) {
        guard let outcome = instead ?? world.clients[number].heard else { return }
        if isLate { world.clients[number].machine?.deadlinePassed() }
        world.clients[number].machine?.took(outcome)
        world.clients[number].heard = nil
        guard case .answer(let answer) = world.clients[number].machine?.action else { return }
        judge(answer, number, &world)
        world.clients[number].machine = nil
        world.clients[number].isDone = answer == .answered || answer == .replayed || answer == .keyReused
    }

    /// An answer is what the row says.
    private func judge(
        _ answer: RequestMachine<RequestWorld.Attempt>.Answer, _ number: Int, _ world: inout RequestWorld
    ) {
        let body = world.clients[number].body
        switch answer {
        case .answered, .replayed:
            guard let reply = world.row?.answer else {
                world.fault = "client \(number) is answered, and the key is not completed"
                return
            }
            if reply.body != body { world.fault = "client \(number) gets the answer to another request" }
            if !reply.isRefusal, world.done[Int(body)] != 1 {
                world.fault = "what client \(number) asked was done \(world.done[Int(body)]) times"
            }
        case .keyReused:
            // The key may have been freed since: that it had another body is known where it was found.
            break
        case .keyInFlight, .unavailable: break
        }
    }

    private func end(_ outcome: RequestMachine<RequestWorld.Attempt>.Outcome, _ world: inout RequestWorld) {
        if let client = world.posting?.client { world.clients[Int(client)].heard = outcome }
        world.posting = nil
    }

    private func commit(_ world: inout RequestWorld) {
        guard let posting = world.posting else { return }
        world.done[Int(posting.body)] += 1
        if world.done.reduce(0, +) > 1 { world.fault = "what was asked under the key was done twice" }
        if mutant != .completesLater {
            complete(RequestWorld.Reply(body: posting.body, isRefusal: false), &world)
        }
        end(.performed, &world)
    }

    private func complete(_ reply: RequestWorld.Reply, _ world: inout RequestWorld) {
        if let earlier = world.row?.answer, earlier != reply { world.fault = "a completed key is completed anew" }
        if let row = world.row, row.body != reply.body {
            world.fault = "the answer of one request is stored under another"
        }
        world.row?.answer = reply
    }

    private func act(_ number: Int, _ looksAbandoned: Bool, _ world: inout RequestWorld) {
        guard let machine = world.clients[number].machine else { return }
        let isOurs = world.row?.attempt == machine.attempt && world.row?.answer == nil
        switch machine.action {
        case .reserve: world.clients[number].heard = reserve(number, machine, looksAbandoned, &world)
        case .takeOver(let earlier):
            let isThere = world.row != nil && world.row?.answer == nil
            if isThere, world.row?.attempt == earlier || mutant == .takesOverBlindly {
                world.row?.attempt = machine.attempt
                world.clients[number].heard = .isOurs
            } else {
                world.clients[number].heard = .changed
            }
        case .perform:
            if isOurs || mutant == .performsUnfenced && world.row != nil {
                world.posting = RequestWorld.Posting(
                    attempt: machine.attempt, body: world.clients[number].body, client: UInt8(number))
            } else {
                world.clients[number].heard = .notOurs
            }
        case .recordRefusal:
            if isOurs || mutant == .recordsBlindly && world.row != nil {
                complete(RequestWorld.Reply(body: world.clients[number].body, isRefusal: true), &world)
                world.clients[number].heard = .recorded
            } else {
                world.clients[number].heard = .notOurs
            }
        case .free:
            if isOurs || mutant == .freesBlindly { world.row = nil }
            world.clients[number].heard = .freed
        case .answer: break
        }
    }

    private func reserve(
        _ number: Int, _ machine: RequestMachine<RequestWorld.Attempt>, _ looksAbandoned: Bool,
        _ world: inout RequestWorld
    ) -> RequestMachine<RequestWorld.Attempt>.Outcome {
        let body = world.clients[number].body
        guard let row = world.row else {
            world.row = RequestWorld.Row(body: body, attempt: machine.attempt, answer: nil)
            return .isOurs
        }
        return .found(
            RequestMachine.Row(
                isSameRequest: row.body == body || mutant == .ignoresBodies, attempt: row.attempt,
                stage: row.answer == nil ? .inFlight(isAbandoned: looksAbandoned) : .answered))
    }
}
