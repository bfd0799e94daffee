import ArgumentParser
import Foundation
import Glibc

extension AccountBook {
    /// One page of `GET /balances`.
    private struct Page: Decodable {
        struct Line: Decodable {
            let path: String
            let account_id: String
            let asset: String
        }

        let balances: [Line]
        let next: String?
    }

    /// What `POST /accounts` is sent.
    private struct NewAccount: Encodable {
        let path: String
        let asset: String
        let name: String
    }

    /// What is read of an account that was opened.
    private struct OpenedAccount: Decodable {
        let id: String
    }

    /// How long the API may be away at each request: it may be about to start.
    private static let patience = Duration.seconds(10)

    /// Reads the ledger's accounts, in the order of their paths; failures end the command with a sentence and its exit code.
    static func read(by client: LoadClient) async throws(ExitCode) -> AccountBook {
        var accounts: [(asset: String, id: String)] = []
        var behind: String?
        repeat {
            let path = "/balances?limit=1000" + (behind.map { "&behind=" + percentEncoded($0) } ?? "")
            let deadline = ContinuousClock.now + patience
            let page: Page = try await content("GET /balances") { () async throws(LoadClient.Silence) in
                try await client.get(path, until: { deadline })
            }
            for line in page.balances where line.path != "World" && !line.path.hasPrefix("World:") {
                accounts.append((line.asset, line.account_id))
            }
            behind = page.next
        } while behind != nil && accounts.count < limit
        return AccountBook(accounts)
    }

    /// Opens accounts without money, at paths that no other has.
    static func open(_ count: Int, by client: LoadClient) async throws(ExitCode) {
        let assets = assets(for: count)
        for number in 0..<count {
            let account = NewAccount(
                path: "Assets:Load:\(UUID().uuidString.lowercased())", asset: assets[number % assets.count],
                name: "account \(number + 1)")
            let deadline = ContinuousClock.now + patience
            let _: OpenedAccount = try await content("POST /accounts") { () async throws(LoadClient.Silence) in
                try await client.post("/accounts", account, until: { deadline })
            }
        }
    }

    /// What the API answers; without that, what to do about it.
    private static func content<Content: Decodable>(
        _ request: String, _ ask: () async throws(LoadClient.Silence) -> LoadClient.Answer
    ) async throws(ExitCode) -> Content {
        let answer: LoadClient.Answer
        do throws(LoadClient.Silence) {
            answer = try await ask()
        } catch {
            throw Refusal(
                "the ledger's API cannot be reached: \(error.reason): start `ledger serve`, or correct --url.",
                code: EX_UNAVAILABLE
            ).told()
        }
        guard answer.isDone else {
            throw Refusal("\(request) is refused: \(answer.problem): correct --url.", code: EX_CONFIG).told()
        }
        guard let content = answer.read(Content.self) else {
            let sentence = "\(request) is answered, but not as by the ledger's API: correct --url."
            throw Refusal(sentence, code: EX_CONFIG).told()
        }
        return content
    }

    /// For a query's value: all but the unreserved characters of RFC 3986 as bytes, `%3A`.
    static func percentEncoded(_ text: String) -> String {
        text.utf8.reduce(into: "") { encoded, byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default: encoded += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
            }
        }
    }
}
