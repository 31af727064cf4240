/// A moment on the calendar and the clock, as `strftime_now` shows it.
public struct CivilTime: Sendable, Equatable {
    public var year: Int
    /// 1 to 12 and 1 to 31.
    public var month: Int
    public var day: Int
    public var hour: Int
    public var minute: Int
    public var second: Int

    public init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) {
        (self.year, self.month, self.day) = (year, month, day)
        (self.hour, self.minute, self.second) = (hour, minute, second)
    }

    /// The moment by seconds since 1970, shifted by the zone's offset. (Howard Hinnant, "chrono-compatible low-level
    /// date algorithms", civil_from_days.)
    public init(secondsSince1970 seconds: Int, offset: Int = 0) {
        let local = seconds + offset
        let days = local >= 0 ? local / 86400 : (local - 86399) / 86400
        let rest = local - days * 86400
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * month + 2) / 5 + 1
        self.month = month < 10 ? month + 3 : month - 9
        year = yearOfEra + era * 400 + (self.month <= 2 ? 1 : 0)
        (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60)
    }

    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
    private static let weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

    /// Days since 1970.
    private var days: Int {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// 0 for Sunday.
    private var weekday: Int { ((days + 4) % 7 + 7) % 7 }
    /// 1 for the first of January.
    private var dayOfYear: Int { days - CivilTime(year: year, month: 1, day: 1).days + 1 }

    /// C's `strftime` in the C locale. Unknown directives stand as they are.
    func formatted(_ format: String) -> String {
        var text = ""
        var directive = false
        var isBare = false
        for scalar in format.unicodeScalars {
            if !directive {
                if scalar == "%" { directive = true } else { text.unicodeScalars.append(scalar) }
            } else if scalar == "-", !isBare {
                isBare = true
            } else {
                text += field(scalar, isBare ? 0 : 2) ?? "%\(isBare ? "-" : "")\(scalar)"
                (directive, isBare) = (false, false)
            }
        }
        return directive ? text + "%" + (isBare ? "-" : "") : text
    }

    private func field(_ directive: Unicode.Scalar, _ width: Int) -> String? {
        func padded(_ value: Int, _ width: Int, _ filling: String = "0") -> String {
            let digits = String(value)
            return String(repeating: filling, count: max(0, width - digits.count)) + digits
        }
        let month = Self.months[min(max(month, 1), 12) - 1]
        let hour12 = (hour + 11) % 12 + 1
        switch directive {
        case "Y": return padded(year, 0)
        case "y": return padded(year % 100, width)
        case "C": return padded(year / 100, width)
        case "m": return padded(self.month, width)
        case "d": return padded(day, width)
        case "e": return padded(day, width, " ")
        case "H": return padded(hour, width)
        case "I": return padded(hour12, width)
        case "M": return padded(minute, width)
        case "S": return padded(second, width)
        case "f": return "000000"
        case "j": return padded(dayOfYear, width == 0 ? 0 : 3)
        case "p": return hour < 12 ? "AM" : "PM"
        case "B": return month
        case "b", "h": return String(month.prefix(3))
        case "A": return Self.weekdays[weekday]
        case "a": return String(Self.weekdays[weekday].prefix(3))
        case "w": return String(weekday)
        case "u": return String(weekday == 0 ? 7 : weekday)
        case "U": return padded((dayOfYear + 6 - weekday) / 7, width)
        case "W": return padded((dayOfYear + 6 - (weekday + 6) % 7) / 7, width)
        case "F": return formatted("%Y-%m-%d")
        case "T", "X": return formatted("%H:%M:%S")
        case "R": return formatted("%H:%M")
        case "D", "x": return formatted("%m/%d/%y")
        case "c": return formatted("%a %b %e %H:%M:%S %Y")
        case "Z", "z": return ""
        case "n": return "\n"
        case "t": return "\t"
        case "%": return "%"
        default: return nil
        }
    }
}
