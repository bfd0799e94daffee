import Foundation
import Glibc
import RelayCore
import RelayTestKit
import SinkConformance
import Testing
import WebhookReceiver

@testable import WebhookSink

@Suite("Secrets and headers from files", .timeLimit(.minutes(2)))
struct CredentialTests {
    private static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    private static let other = "whsec_b3RoZXIgc2VjcmV0IG9mIG91cnM="

    /// What a request should be signed with.
    private func signature(_ request: ReceivedRequest, _ secrets: String...) throws -> String {
        try secrets.map { text in
            let secret = try #require(SigningSecret(text))
            let (id, time) = (request["webhook-id"] ?? "", Int64(request["webhook-timestamp"] ?? "") ?? 0)
            return request.body.withUnsafeBytes { secret.signature(id: id, timestamp: time, body: $0) }
        }.joined(separator: " ")
    }

    @Test func signedWithEachInTheOrderOfTheFiles() async throws {
        let (receiver, folder) = (try await WebhookReceiver(), try TestFolder())
        let files = [try folder.write("new", Self.other), try folder.write("old", Self.secret)]
        #expect(try await answers(receiver.settings { $0.secretFiles = files }).delivered == 1)
        let request = try #require(receiver.requests.first)
        #expect(request["webhook-signature"] == (try signature(request, Self.other, Self.secret)))
        await receiver.stop()
    }

    @Test func aRotatedSecretCountsFromTheNextRequestOn() async throws {
        let (receiver, folder) = (try await WebhookReceiver(), try TestFolder())
        let file = try folder.write("secret", Self.secret)
        let batch = try makeBatch(1...4)
        // In the middle of a delivery, as that of a long backlog.
        receiver.answer { request in
            if request["webhook-id"] == "2" { _ = try? folder.write("secret", Self.other) }
            return ReceiverAnswer()
        }
        try await withSink(receiver.settings { $0.secretFiles = [file] }) { sink in
            #expect(await sink.answers(to: batch.whole).delivered == 4)
        }
        let requests = receiver.requests
        for (index, request) in requests.enumerated() {
            let expected = try signature(request, index < 2 ? Self.secret : Self.other)
            #expect(request["webhook-signature"] == expected)
        }
        await receiver.stop()
    }

    @Test func whatLooksTheSameIsReadAgainWhileItIsNew() async throws {
        let folder = try TestFolder()
        let file = try folder.write("secret", "AAAA")
        let files = CredentialFiles(settings("http://hook.example") { $0.headerFiles = [.init(name: "x", path: file)] })
        // Same inode, same size, and within one tick of the file system's clock.
        for value in ["AAAA", "BBBB", "CCCC", "DDDD"] {
            let descriptor = open(file, O_WRONLY)
            _ = write(descriptor, value, 4)
            close(descriptor)
            #expect(try await files.current().headers.first?.value == value)
        }
    }

    @Test func whatIsUnchangedIsNotReadAgain() async throws {
        let folder = try TestFolder()
        let file = try folder.write("secret", "AAAA")
        try FileManager.default.setAttributes([.modificationDate: Date.distantPast], ofItemAtPath: file)
        let files = CredentialFiles(settings("http://hook.example") { $0.headerFiles = [.init(name: "x", path: file)] })
        #expect(try await files.current().headers.first?.value == "AAAA")
        // Changed with the stamp kept: it shows only to who reads.
        let descriptor = open(file, O_WRONLY)
        _ = write(descriptor, "BBBB", 4)
        close(descriptor)
        try FileManager.default.setAttributes([.modificationDate: Date.distantPast], ofItemAtPath: file)
        #expect(try await files.current().headers.first?.value == "AAAA")
    }

    @Test func aLinkIsFollowedToWhereItLeadsNow() async throws {
        let (receiver, folder) = (try await WebhookReceiver(), try TestFolder())
        try folder.write("one", Self.secret)
        try folder.write("two", Self.other)
        let link = "\(folder.path)/current"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "one")
        let batch = try makeBatch(1...1)
        try await withSink(receiver.settings { $0.secretFiles = [link] }) { sink in
            #expect(await sink.answers(to: batch.whole).delivered == 1)
            try FileManager.default.createSymbolicLink(atPath: link + "~", withDestinationPath: "two")
            #expect(rename(link + "~", link) == 0)
            #expect(await sink.answers(to: batch.whole).delivered == 1)
        }
        let requests = receiver.requests
        #expect(requests[0]["webhook-signature"] == (try signature(requests[0], Self.secret)))
        #expect(requests[1]["webhook-signature"] == (try signature(requests[1], Self.other)))
        await receiver.stop()
    }

    @Test func aSecretThatIsGoneStopsTheLaneUntilItIsBack() async throws {
        let (receiver, folder) = (try await WebhookReceiver(), try TestFolder())
        let file = try folder.write("secret", Self.secret)
        let batch = try makeBatch(1...2)
        try await withSink(receiver.settings { $0.secretFiles = [file] }) { sink in
            try FileManager.default.removeItem(atPath: file)
            let answers = await sink.answers(to: batch.whole)
            #expect(answers.delivered == 0)
            #expect(
                answers.failures == [
                    .blocked(
                        reason: "file \(file) cannot be read (No such file or directory); "
                            + "put a small file there that the relay may read")
                ])
            try folder.write("secret", Self.other)
            #expect(await sink.answers(to: batch.whole).delivered == 2)
        }
        #expect(receiver.count == 2)
        await receiver.stop()
    }

    @Test(arguments: [
        ("topsecret topsecret", "holds neither whsec_… nor base64"), ("", "holds neither"),
        (String(repeating: "A", count: 20_000), "is larger than 16384 bytes"),
    ])
    func brokenSecretsAreNotShown(text: String, reason: String) async throws {
        let folder = try TestFolder()
        let file = try folder.write("secret", text)
        let error = await refusal(settings("http://hook.example") { $0.secretFiles = [file] })
        #expect(error?.code == .misconfigured)
        #expect(error?.reason.contains(reason) == true)
        #expect(error?.reason.contains("topsecret") == false)
    }

    @Test func brokenHeadersAreNotShown() async throws {
        let folder = try TestFolder()
        for text in ["", "  \n", "topsecret\nx: y", "topsecret\0"] {
            let file = try folder.write("token", text)
            let error = await refusal(
                settings("http://hook.example") { $0.headerFiles = [.init(name: "authorization", path: file)] })
            #expect(error?.reason.contains("is empty, or has several lines") == true)
            #expect(error?.reason.contains("topsecret") == false)
        }
    }

    @Test func whatIsNoFile() async throws {
        let folder = try TestFolder()
        let pipe = "\(folder.path)/pipe"
        #expect(mkfifo(pipe, 0o600) == 0)
        for path in [pipe, folder.path, "/dev/zero", "\(folder.path)/none"] {
            let error = await refusal(settings("http://hook.example") { $0.secretFiles = [path] })
            #expect(error?.code == .misconfigured)
            #expect(error?.reason.contains(path) == true)
        }
    }
}
