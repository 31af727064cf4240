/// A piece of work that both sides do.
public enum ComparedWork: Sendable, Equatable, CustomStringConvertible {
    /// A prompt of this many tokens.
    case prefill(tokens: Int)
    /// Steps of one sequence behind a prompt of this depth.
    case decode(depth: Int)
    /// Steps of this many sequences at once, each behind a prompt of 128 tokens.
    case batch(sequences: Int)
    /// Streams of this many clients of the HTTP servers: prompts of 512 tokens, 128 new ones.
    case server(concurrency: Int)
    /// Completions of one token per second over this many connections.
    case requests(connections: Int)

    /// Prompt of each sequence of `batch`.
    static let batchPromptTokens = 128

    private static let kinds = ["prefill", "decode", "batch", "server", "requests"]

    /// `prefill=512,decode=0,decode=8192,batch=16,server=8,requests=4`
    public static func list(_ text: String) throws(BenchmarkError) -> [ComparedWork] {
        var list: [ComparedWork] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let pair = part.split(separator: "=", maxSplits: 1).map(String.init)
            let kind = pair.first ?? ""
            guard kinds.contains(kind) else { throw .badChoice(option: "--work", text: kind, known: kinds) }
            let least = kind == "decode" ? 0 : 1
            guard pair.count == 2, let number = Int(pair[1]), number >= least, number <= 1 << 20 else {
                throw .badNumber(
                    option: "--work", text: String(part), allowed: "\(kind)= and a whole number from \(least) on")
            }
            switch kind {
            case "prefill": list.append(.prefill(tokens: number))
            case "decode": list.append(.decode(depth: number))
            case "batch": list.append(.batch(sequences: number))
            case "server": list.append(.server(concurrency: number))
            default: list.append(.requests(connections: number))
            }
        }
        return list
    }

    public var description: String {
        switch self {
        case .prefill(let tokens): "prefill \(tokens)"
        case .decode(let depth): "decode at depth \(depth)"
        case .batch(let sequences): "batch of \(sequences)"
        case .server(let concurrency): "server, \(concurrency) clients"
        case .requests(let connections): "one-token completions, \(connections) connections"
        }
    }

    /// Both sides are HTTP servers.
    var needsServer: Bool {
        switch self {
        case .server, .requests: true
        case .prefill, .decode, .batch: false
        }
    }
}
