import DedicatedThreads
import FileSink
import RelayConfiguration
import RelayCore
import RelayObservability
import RelayTracing
import StdoutSink
import Tracing
import WebhookSink

/// The sinks of a relay, made of their options.
struct SinkComposition {
    /// In the order of the options, each with its filter before it.
    let sinks: [any Sink]
    /// How the lane of each treats it, by its name.
    let lanes: [String: LanePolicy]
    private let files: [FileSink]

    /// - Parameters:
    ///   - loop: waits for what the sinks' sockets bring.
    ///   - tracer: makes a span of each delivery; nil where nothing is traced.
    ///   - progress: told what is delivered; nil where nobody looks.
    ///   - drain: shows how far everything is; nil where nobody looks.
    init(
        _ options: RelayOptions, on loop: DedicatedThread?, tracer: (any Tracer)?, progress: DeliveryProgress?,
        drain: DrainProgress?
    ) {
        var sinks: [any Sink] = []
        var files: [FileSink] = []
        for option in options.sinks {
            let sink = makeSink(option, window: options.window, on: loop, tracer: tracer)
            if let file = sink as? FileSink { files.append(file) }
            let metered = MeteredSink(traced(sink, by: tracer), progress: progress)
            let filtered: any Sink = option.filter.isEverything ? metered : FilteringSink(metered, option.filter)
            sinks.append(drain?.watch(filtered) ?? filtered)
        }
        self.sinks = sinks
        self.files = files
        lanes = options.sinks.reduce(into: [:]) { $0[$1.name] = $1.lane }
    }

    /// For SIGHUP: files that were moved away are begun anew, none waiting for another.
    func reopenFiles() async {
        await withDiscardingTaskGroup { group in
            for file in files { group.addTask { await file.reopen() } }
        }
    }
}

/// A relay that follows another in this process goes on with the line that the other left torn.
private let standardOutputEnd = OutputEnd()

/// A webhook makes spans of its requests itself.
private func traced(_ sink: any Sink, by tracer: (any Tracer)?) -> any Sink {
    guard let tracer, !(sink is WebhookSink) else { return sink }
    return TracedSink(sink, by: tracer)
}

/// Makes one sink, unfiltered.
///
/// - Parameters:
///   - window: of the lane, in events: what a crash may repeat.
///   - loop: waits for what the sink's sockets bring; nil: a thread of the sink's own.
func makeSink(
    _ option: SinkOption, window: Int, on loop: DedicatedThread? = nil, tracer: (any Tracer)? = nil
) -> any Sink {
    switch option.destination {
    case .stdout:
        return StdoutSink(name: option.name, after: standardOutputEnd)
    case .file(var settings):
        settings.window = window
        return FileSink(settings, countDuplicates: EventCounters().duplicates(of: option.name))
    case .webhook(var settings):
        settings.userAgent = "outbox-relay/\(BuildVersion.number)"
        return WebhookSink(settings, on: loop, tracer: tracer)
    }
}

extension SinkOption {
    /// Whether its events go to a terminal, where no progress may stand between them.
    var writesToTerminal: Bool {
        if case .stdout = destination { TerminalOutput.standardOutput.isTerminal } else { false }
    }

    /// Says what the sink's own module finds wrong with its options.
    func check() throws(ConfigurationProblem) {
        do throws(SinkError) {
            switch destination {
            case .stdout: try StandardStreams.checkOutput()
            case .file(let settings): try settings.check()
            case .webhook(let settings): try settings.check()
            }
        } catch {
            throw problem(error)
        }
    }

    func problem(_ error: SinkError) -> ConfigurationProblem { .configuration("\(place): \(error.reason)") }
}
