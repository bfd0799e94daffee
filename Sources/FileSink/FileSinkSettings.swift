import RelayCore

/// What a file sink is told by its configuration.
package struct FileSinkSettings: Sendable, Hashable {
    /// When a file is put aside and a new one begun, beside the date in its path. Both may hold at once.
    package struct Rotation: Sendable, Hashable {
        /// Before the line that would make the file larger, in bytes, at least 1; nil is never. A line that alone is
        /// larger has a file of its own.
        package var size: Int?
        /// With the first line of each new period of this length, counted in UTC from 1970-01-01: a day's begin at
        /// midnight. At least a second; nil is never.
        package var age: Duration?

        package init(size: Int? = nil, age: Duration? = nil) {
            self.size = size
            self.age = age
        }
    }

    /// The sink's name, by which its cursor is registered.
    package var name: String
    /// Where the file is, absolute or relative to the working folder. In the file's name `%Y`, `%m`, `%d` and `%H` stand
    /// for the year, month, day and hour of the moment of writing, in UTC, and `%%` for `%`.
    package var path: String
    package var rotation: Rotation
    /// The permissions of new files, whatever the process's umask: `0o600` to `0o777`.
    package var mode: UInt32
    /// How many of the last lines are known by id and time and not written again: the relay's `--window`, since no more
    /// than that comes again after a crash. At least 1.
    package var window: Int

    package init(
        name: String = "file", path: String, rotation: Rotation = Rotation(), mode: UInt32 = 0o640, window: Int = 1000
    ) {
        self.name = name
        self.path = path
        self.rotation = rotation
        self.mode = mode
        self.window = window
    }

    /// What is wrong with the values, as one sentence that says how to fix it; nil where nothing is.
    package var problem: String? {
        do {
            _ = try PathTemplate(path)
        } catch {
            return error.reason
        }
        if let size = rotation.size, size < 1 {
            return "a file cannot be rotated at \(size) bytes; give a size of at least 1"
        }
        if let age = rotation.age, age < .seconds(1) {
            return "a file cannot be rotated every \(age); give an age of at least 1s"
        }
        if mode > 0o777 || mode & 0o600 != 0o600 {
            return "a file with the mode 0\(String(mode, radix: 8)) could not be reopened to be continued; "
                + "give permissions from 0600 to 0777 that let the owner read and write"
        }
        return window < 1 ? "a file sink needs a window of at least 1, not \(window)" : nil
    }
}
