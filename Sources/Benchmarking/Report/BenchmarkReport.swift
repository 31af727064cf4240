public import Foundation
public import JSON

/// The rows of one run with what is needed to believe them: machine, limits, model and command.
public struct BenchmarkReport: Sendable {
    /// Version of the JSON's form.
    public static let schema = 1

    /// Product and version.
    public let product: String
    /// The command line of the run.
    public let command: [String]
    public let date: Date
    public let machine: Machine
    /// Nil where nothing was computed here, as under load on a server.
    public let limits: MachineLimits?
    /// Name, bytes, element types and shape; empty where the model is a server's.
    public let model: JSONObject
    public let rows: [BenchmarkRow]

    /// The report as JSON text.
    public func json() -> [UInt8] {
        var object = JSONObject()
        object["schema"] = .integer(Self.schema)
        object["product"] = .string(product)
        object["date"] = .string(date.ISO8601Format())
        object["command"] = .array(command.map { .string($0) })
        object["machine"] = machineJSON
        object["limits"] = limits.map(Self.json)
        if !model.isEmpty { object["model"] = .object(model) }
        object["results"] = .array(rows.map(\.json))
        return JSONValue.object(object).serialized() + [UInt8(ascii: "\n")]
    }

    private var machineJSON: JSONValue {
        var object = JSONObject()
        object["processor"] = .string(machine.processor)
        object["cores"] = .integer(machine.cores)
        object["memory_bytes"] = .integer(machine.memoryBytes)
        object["last_cache_bytes"] = .integer(machine.lastCacheBytes)
        object["features"] = .array(machine.features.map { .string($0) })
        object["kernels"] = .string(machine.isa)
        object["system"] = .string(machine.system)
        return .object(object)
    }

    private static func json(_ limits: MachineLimits) -> JSONValue {
        var object = JSONObject()
        object["threads"] = .integer(limits.threads)
        object["f32_operations_per_second"] = .real(limits.floatOperations)
        object["int8_operations_per_second"] = .real(limits.integerOperations)
        object["memory_bytes_per_second"] = .real(limits.memoryBytes)
        object["memory_buffer_bytes"] = .integer(limits.memoryBufferBytes)
        object["cache_bytes_per_second"] = .real(limits.cacheBytes)
        object["cache_buffer_bytes"] = .integer(limits.cacheBufferBytes)
        object["is_rough"] = .bool(limits.effort == .quick)
        return .object(object)
    }

    /// Writes the JSON to a file.
    public func write(to path: String) throws(BenchmarkError) {
        do {
            try Data(json()).write(to: URL(fileURLWithPath: path))
        } catch {
            throw .unwritable(path: path, reason: error.localizedDescription)
        }
    }
}
