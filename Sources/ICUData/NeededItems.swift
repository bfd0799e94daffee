/// What a daemon needs of ICU's data: it speaks English, and what it reads is UTF-8.
enum NeededItems {
    /// Left out are the other languages, the dictionaries that find words in those that write none apart, transliteration,
    /// the names of characters, and converters of other encodings. What is no language's own stays, as root, properties,
    /// normalization and time zones.
    static func contains(_ item: String) -> Bool {
        let folders = item.split(separator: "/")
        guard let file = folders.last else { return false }
        if file.hasSuffix(".cnv") || file.hasSuffix(".dict") || file == "unames.icu" { return false }
        if folders.dropLast().contains("translit") { return false }
        return !isLanguage(file) || file == "en.res" || file.hasPrefix("en_US")
    }

    /// `de.res`, `zh_Hant_HK.res`, `es_419.res`, `en_US_POSIX.res`: two or three small letters, then perhaps a script, a
    /// region and a variant.
    private static func isLanguage(_ file: Substring) -> Bool {
        file.wholeMatch(of: /[a-z]{2,3}(_[A-Z][a-z]{3})?(_([A-Z]{2}|[0-9]{3}))?(_[A-Z]+)?\.res/) != nil
    }
}
