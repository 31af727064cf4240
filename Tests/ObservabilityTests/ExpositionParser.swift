/// An independent reader of the text format 0.0.4, as strict as its specification, which the renderer must satisfy.
struct ExpositionParser {
    struct Sample: Equatable {
        var name: String
        var labels: [String: String]
        var value: Double
    }

    struct Family {
        var type: String
        var help: String
        var samples: [Sample] = []
    }

    struct Failure: Error, CustomStringConvertible {
        var line: Int
        var reason: String
        var description: String { "line \(line): \(reason)" }
    }

    private(set) var families: [String: Family] = [:]
    private var current: String?
    private var pendingHelp: (name: String, text: String)?
    private var seen: Set<String> = []

    /// Parses a whole exposition.
    init(_ text: String) throws {
        guard text.isEmpty || text.hasSuffix("\n") else { throw Failure(line: 0, reason: "no final line feed") }
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: true).enumerated() {
            do {
                try read(String(line))
            } catch let failure as Failure {
                throw Failure(line: index + 1, reason: failure.reason)
            }
        }
        for (name, family) in families where family.type == "histogram" { try Self.checkHistogram(name, family) }
    }

    /// The value of a sample, nil if there is none.
    func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        families.values.lazy.flatMap(\.samples).first { $0.name == name && $0.labels == labels }?.value
    }

    private mutating func read(_ line: String) throws {
        if line.hasPrefix("# HELP ") {
            let rest = line.dropFirst(7).split(separator: " ", maxSplits: 1).map(String.init)
            guard families[rest[0]] == nil else { throw Failure(line: 0, reason: "\(rest[0]) comes twice") }
            pendingHelp = (rest[0], rest.count > 1 ? rest[1] : "")
        } else if line.hasPrefix("# TYPE ") {
            let rest = line.dropFirst(7).split(separator: " ").map(String.init)
            guard rest.count == 2, ["counter", "gauge", "histogram"].contains(rest[1]) else {
                throw Failure(line: 0, reason: "a bad type line: \(line)")
            }
            guard let help = pendingHelp, help.name == rest[0] else {
                throw Failure(line: 0, reason: "a type without help")
            }
            families[rest[0]] = Family(type: rest[1], help: help.text)
            current = rest[0]
            pendingHelp = nil
        } else {
            try readSample(line)
        }
    }

    private mutating func readSample(_ line: String) throws {
        var rest = Substring(line)
        let name = String(rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == ":") })
        rest = rest.dropFirst(name.count)
        let labels = rest.first == "{" ? try Self.readLabels(&rest) : [:]
        guard rest.first == " ", let value = Self.number(rest.dropFirst()) else {
            throw Failure(line: 0, reason: "no value: \(line)")
        }
        guard let family = current, Self.belongs(name, to: family, type: families[family]?.type ?? "") else {
            throw Failure(line: 0, reason: "\(name) stands outside its family")
        }
        let key = "\(name)\(labels.sorted { $0.key < $1.key })"
        guard seen.insert(key).inserted else { throw Failure(line: 0, reason: "a sample comes twice: \(key)") }
        families[family]?.samples.append(Sample(name: name, labels: labels, value: value))
    }

    private static func readLabels(_ rest: inout Substring) throws -> [String: String] {
        var labels: [String: String] = [:]
        rest = rest.dropFirst()
        while rest.first != "}" {
            let name = String(rest.prefix { $0 != "=" })
            rest = rest.dropFirst(name.count)
            guard rest.hasPrefix("=\""), labels[name] == nil, !name.isEmpty else {
                throw Failure(line: 0, reason: "a bad label \(name)")
            }
            rest = rest.dropFirst(2)
            var value = ""
            while let character = rest.popFirst(), character != "\"" {
                guard character == "\\" else {
                    value.append(character)
                    continue
                }
                switch rest.popFirst() {
                case "n": value.append("\n")
                case "\\": value.append("\\")
                case "\"": value.append("\"")
                default: throw Failure(line: 0, reason: "a bad escape")
                }
            }
            labels[name] = value
            if rest.first == "," { rest = rest.dropFirst() } else if rest.first != "}" {
                throw Failure(line: 0, reason: "no comma after \(name)")
            }
        }
        rest = rest.dropFirst()
        return labels
    }

    private static func number(_ text: Substring) -> Double? {
        switch text {
        case "+Inf": .infinity
        case "-Inf": -.infinity
        case "NaN": .nan
        default: Double(text)
        }
    }

    private static func belongs(_ sample: String, to family: String, type: String) -> Bool {
        if type != "histogram" { return sample == family }
        return ["_bucket", "_sum", "_count"].contains { sample == family + $0 }
    }

    /// Buckets rise, end in +Inf, and agree with the count.
    private static func checkHistogram(_ name: String, _ family: Family) throws {
        let buckets = family.samples.filter { $0.name == "\(name)_bucket" }
        let edges = buckets.compactMap { number(Substring($0.labels["le"] ?? "")) }
        guard edges.count == buckets.count, edges == edges.sorted(), edges.last == .infinity else {
            throw Failure(line: 0, reason: "\(name): edges \(edges)")
        }
        guard buckets.map(\.value) == buckets.map(\.value).sorted() else {
            throw Failure(line: 0, reason: "\(name): counts fall")
        }
        guard buckets.last?.value == family.samples.first(where: { $0.name == "\(name)_count" })?.value,
            family.samples.contains(where: { $0.name == "\(name)_sum" })
        else { throw Failure(line: 0, reason: "\(name): count and +Inf differ") }
    }
}
