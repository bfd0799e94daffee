import Foundation

// ICU's data with only what is needed, from standard input to standard output: `make static` links it in place of the
// whole, which is a third of the program otherwise (docs/decisions).

do {
    var package = try DataPackage(Array(FileHandle.standardInput.readDataToEndOfFile()))
    package.items.removeAll { !NeededItems.contains($0.name) }
    FileHandle.standardOutput.write(Data(package.bytes))
} catch {
    FileHandle.standardError.write(Data("icu-data: standard input is not a package of ICU's data\n".utf8))
    exit(64)
}
