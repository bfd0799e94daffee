/// Posts over the HTTP API, each transfer under a key of its own and so just once, however often it has to be asked for.
/// What ends otherwise than in a commit cannot be posted there, and is not planned.
struct HTTPDesk: LoadDesk {
    private let client: LoadClient
    private let tally: LoadTally

    /// How long to wait for a first answer.
    private static let patience = Duration.seconds(10)

    /// Asks for something at once: desks that open side by side get the client as many connections, which it keeps.
    init(_ client: LoadClient, counting tally: LoadTally) async {
        self.client = client
        self.tally = tally
        let deadline = ContinuousClock.now + Self.patience
        _ = try? await client.get("/healthz", until: { deadline })
    }

    func post(_ transfer: LoadTransfer, by pace: LoadPace) async throws(DeskFailure) {
        // In a task that is not cancelled with the load: the ledger might have posted it already, and nobody would count it.
        let work = Task { () -> Result<LoadClient.Answer, LoadClient.Silence> in
            do throws(LoadClient.Silence) {
                return .success(
                    try await client.post(
                        "/transfers", TransferBody(transfer), until: { pace.lastAnswer },
                        retrying: { tally.countRetry() }))
            } catch {
                return .failure(error)
            }
        }
        switch await work.value {
        case .failure(let silence): throw DeskFailure(reason: silence.reason)
        case .success(let answer):
            guard answer.isDone else { throw DeskFailure(reason: answer.problem) }
        }
    }

    /// The client is not this desk's alone.
    func close() async {}
}

/// What `POST /transfers` is sent. It has no `external_id`: that would make up for a key that does not hold.
private struct TransferBody: Encodable {
    struct Leg: Encodable {
        let account_id: String
        let asset: String
        let amount: Int64
    }

    let legs: [Leg]
    let correlation_id: String
    let description = "ledger load"

    init(_ transfer: LoadTransfer) {
        let accounts = transfer.accounts
        legs = [
            Leg(account_id: accounts.payer, asset: accounts.asset, amount: -transfer.amount),
            Leg(account_id: accounts.payee, asset: accounts.asset, amount: transfer.amount),
        ]
        correlation_id = "corr-\(transfer.name)"
    }
}
