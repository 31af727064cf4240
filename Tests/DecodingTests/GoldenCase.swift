import Testing
import JSON
import KVCaching
import Tensors
import TestSupport

/// One case of golden/<architecture>/cases.json: a prompt, a policy and what an independent float64 implementation
/// made of it.
struct GoldenCase: CustomStringConvertible, Sendable {
    struct Policy {
        let name: String
        let budget: Int
        let recent: Int
        let sinks: Int
        let tauInit: Double
        let tauEnd: Double
        let noise: KeyformerPolicy.Noise
        let seed: UInt64
        let positions: PositionMode
    }

    let architecture: String
    let id: String
    let prompt: [Int32]
    let steps: Int
    let policy: Policy
    let ids: [Int32]
    /// [call][layer][KV head] ascending positions; nil for policy full.
    let kept: [[[[Int]]]]?
    let firstTop8: [(token: Int, logit: Double)]
    let lastTop8: [(token: Int, logit: Double)]

    var description: String { id }

    static let architectures = ["llama", "gptj", "gpt2", "mpt"]
    static let folder = TestFiles.golden(fixturesOf: "DecodingTests")

    static func load(_ architecture: String) throws -> [GoldenCase] {
        let path = "\(folder)/\(architecture)/cases.json"
        let root = try JSONValue(parsing: try #require(TestFiles.bytes(of: path)), limits: .file)
        return try #require(root.asObject?["cases"]?.asArray).map {
            try GoldenCase(architecture, try #require($0.asObject))
        }
    }

    init(_ architecture: String, _ fields: JSONObject) throws {
        func integers(_ value: JSONValue) throws -> [Int] { try #require(value.asArray).map { try #require($0.asInt) } }
        self.architecture = architecture
        id = try #require(fields["id"]?.asString)
        prompt = try integers(#require(fields["prompt"])).map(Int32.init)
        steps = try #require(fields["steps"]?.asInt)
        policy = try Policy(#require(fields["policy"]?.asObject))
        let expect = try #require(fields["expect"]?.asObject)
        ids = try integers(#require(expect["ids"])).map(Int32.init)
        kept = try expect["kept"]?.asArray.map { calls in
            try calls.map { call in try #require(call.asArray).map { try #require($0.asArray).map(integers) } }
        }
        func top8(_ name: String) throws -> [(token: Int, logit: Double)] {
            try #require(expect[name]?.asArray).map { pair in
                let pair = try #require(pair.asArray)
                return (try #require(pair[0].asInt), try #require(pair[1].asDouble))
            }
        }
        firstTop8 = try top8("first_top8")
        lastTop8 = try top8("last_top8")
    }
}

extension GoldenCase.Policy {
    init(_ fields: JSONObject) throws {
        name = try #require(fields["name"]?.asString)
        budget = fields["budget"]?.asInt ?? 0
        recent = fields["recent"]?.asInt ?? 0
        sinks = fields["sinks"]?.asInt ?? 0
        tauInit = fields["tau_init"]?.asDouble ?? 1
        tauEnd = fields["tau_end"]?.asDouble ?? 2
        noise = try #require(KeyformerPolicy.Noise(rawValue: fields["noise"]?.asString ?? "none"))
        seed = UInt64(fields["seed"]?.asString ?? "0") ?? 0
        positions = try #require(PositionMode(rawValue: fields["positions"]?.asString ?? "original"))
    }

    var eviction: any EvictionPolicy {
        get throws {
            let selection = ScoredSelection(recentWindow: recent, sinkTokens: 0)
            switch name {
            case "full": return FullPolicy()
            case "window": return WindowPolicy(sinkTokens: 0)
            case "streaming": return WindowPolicy(sinkTokens: sinks)
            case "h2o": return H2OPolicy(selection: selection)
            case "keyformer":
                return KeyformerPolicy(selection: selection, noise: noise, seed: seed, tauInit: tauInit, tauEnd: tauEnd)
            default: throw GoldenError.unknownPolicy(name)
            }
        }
    }
}

enum GoldenError: Error { case unknownPolicy(String) }
