/// Times of day in traces.
enum TraceTime {
    /// Seconds since 1970 of `2023-11-16 18:17:03.9799600`; nil where the text is no such time.
    static func seconds(_ text: String) -> Double? {
        let parts = text.split { $0 == " " || $0 == "T" }
        guard parts.count == 2 else { return nil }
        let date = parts[0].split(separator: "-").compactMap { Int($0) }
        let time = parts[1].split(separator: ":")
        guard date.count == 3, time.count == 3, (1...12).contains(date[1]), (1...31).contains(date[2]),
            let hours = Int(time[0]), let minutes = Int(time[1]), let seconds = Double(time[2].prefix { $0 != "+" }),
            (0..<24).contains(hours), (0..<60).contains(minutes), seconds >= 0, seconds < 61
        else { return nil }
        let days = day(year: date[0], month: date[1], day: date[2])
        return Double(days * 86_400 + hours * 3600 + minutes * 60) + seconds
    }

    /// Days since 1970-01-01 (H. Hinnant, `days_from_civil`).
    private static func day(year: Int, month: Int, day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
