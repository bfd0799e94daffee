import Glibc
import RelayFuzzing

/// The target that `FUZZ_TARGET` names.
let target = FuzzTarget.all.first { $0.name == getenv("FUZZ_TARGET").map { String(cString: $0) } }

/// What libFuzzer calls with every input (LLVM documentation, "libFuzzer", "Fuzz Target").
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    do {
        _ = try target?.run(UnsafeRawBufferPointer(start: bytes, count: count))
    } catch {
        print("broken: \(error)")
        fflush(nil)
        abort()
    }
    return 0
}

/// libFuzzer's loop (LLVM documentation, "libFuzzer", "Using libFuzzer as a library"): its own `main` would do, but the
/// package manager wants this target to have one.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

guard target != nil else {
    print("FUZZ_TARGET names one of: \(FuzzTarget.all.map(\.name).joined(separator: " "))")
    exit(64)
}
var count = CommandLine.argc
var arguments = CommandLine.unsafeArgv
exit(runDriver(&count, &arguments) { testOneInput($0, $1) })
