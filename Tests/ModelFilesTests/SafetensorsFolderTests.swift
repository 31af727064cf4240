import JSON
import ModelFiles
import TestSupport
import Testing

@Suite struct SafetensorsFolderTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try folder.write(SampleFiles.config, to: "config.json")
    }

    private func error() -> ModelFileError? {
        do {
            _ = try SafetensorsFolder(folder: folder.path)
            return nil
        } catch {
            return error
        }
    }

    private var shards: [(name: String, writer: SafetensorsWriter)] {
        [
            ("model-00001-of-00002.safetensors", SampleFiles.safetensors(seed: 3, prefix: "a.")),
            ("model-00002-of-00002.safetensors", SampleFiles.safetensors(seed: 4, prefix: "b.")),
        ]
    }

    private func writeShards() throws {
        for shard in shards { try folder.write(shard.writer.bytes(), to: shard.name) }
        try folder.write(SafetensorsWriter.index(shards), to: "model.safetensors.index.json")
    }

    @Test func singleFileWithTokenizerReads() throws {
        try folder.write(SampleFiles.safetensors().bytes(), to: "model.safetensors")
        try folder.write("{\"eos_token_id\": [2, 1]}", to: "generation_config.json")
        try folder.write("{\"add_bos_token\": true}", to: "tokenizer_config.json")
        try folder.write([0x7B, 0xFF], to: "tokenizer.json")
        let model = try SafetensorsFolder(folder: folder.path)
        #expect(model.config["hidden_size"]?.asInt == 64)
        #expect(model.generationConfig?["eos_token_id"] == [2, 1])
        #expect(model.tokenizerConfig?["add_bos_token"] == true)
        #expect(model.tokenizerJSON == [0x7B, 0xFF])
        #expect(model.tensors.names == SampleFiles.safetensors().names)
    }

    @Test func optionalFilesMayBeAbsentButNotBroken() throws {
        try folder.write(SampleFiles.safetensors().bytes(), to: "model.safetensors")
        let model = try SafetensorsFolder(folder: folder.path + "/")
        #expect(model.generationConfig == nil && model.tokenizerConfig == nil && model.tokenizerJSON == nil)
        try folder.write("{", to: "generation_config.json")
        guard case .damaged(let file, "JSON text", _, .invalidJSON)? = error() else {
            Issue.record("\(String(describing: error()))")
            return
        }
        #expect(file == folder.path + "/generation_config.json")
    }

    @Test func shardsReadAsOneModel() throws {
        try writeShards()
        let model = try SafetensorsFolder(folder: folder.path)
        #expect(model.tensors.count == 12)
        for shard in shards {
            let bytes = shard.writer.bytes()
            for name in shard.writer.names {
                let info = try #require(model.tensors.info(named: name))
                #expect(info.file == folder.path + "/" + shard.name)
                guard info.dtype != nil else { continue }
                #expect(model.tensors[name]?.copiedBytes == Array(bytes[info.range]))
            }
        }
    }

    @Test func missingPartsAreNamed() throws {
        let noWeights = "the folder has neither model.safetensors nor model.safetensors.index.json"
        #expect(error() == .notAModel(path: folder.path, found: noWeights))
        try folder.write(SafetensorsWriter.index(shards), to: "model.safetensors.index.json")
        #expect(
            error() == .unreadable(file: folder.path + "/" + shards[0].name, reason: "No such file or directory"))
        let empty = try TemporaryFolder()
        try empty.write(SampleFiles.safetensors().bytes(), to: "model.safetensors")
        #expect(throws: ModelFileError.notAModel(path: empty.path, found: "the folder has no config.json")) {
            try SafetensorsFolder(folder: empty.path)
        }
    }

    @Test(arguments: ["../x", "/etc/passwd", "a/b", ".", "..", "", "a\\u0000b", "a\\nb"])
    func shardNamesCannotLeaveTheFolder(name: String) throws {
        try folder.write("{\"weight_map\": {\"w\": \"\(name)\"}}", to: "model.safetensors.index.json")
        guard case .damaged(_, "weight_map entry \"w\"", _, .notAFileName)? = error() else {
            Issue.record("\(name): \(String(describing: error()))")
            return
        }
    }

    @Test(arguments: [
        ("{}", "weight_map at byte 0: found nothing, expected an object"),
        ("{\"weight_map\": []}", "weight_map at byte 0: found an array, expected an object"),
        (
            "{\"weight_map\": {\"w\": 1}}",
            "weight_map entry \"w\" at byte 0: found an integer, expected the name of a shard"
        ),
        ("[]", "JSON text at byte 0: found an array, expected an object"),
    ])
    func damagedIndexIsRefused(text: String, message: String) throws {
        try folder.write(text, to: "model.safetensors.index.json")
        #expect(error()?.description == "\(folder.path)/model.safetensors.index.json: \(message)")
    }

    @Test func everyCutOfTheIndexIsAnError() throws {
        try writeShards()
        let text = SafetensorsWriter.index(shards)
        var failure: String?
        for length in 0..<text.utf8.count {
            try folder.write(Array(text.utf8.prefix(length)), to: "model.safetensors.index.json")
            if error() == nil { failure = failure ?? "the index cut to \(length) bytes opens" }
        }
        if let failure { Issue.record("\(failure)") }
    }

    @Test func indexAndShardsMustAgree() throws {
        try writeShards()
        let swapped = SafetensorsWriter.index([(shards[1].name, shards[0].writer)])
        try folder.write(swapped, to: "model.safetensors.index.json")
        let path = folder.path + "/" + shards[1].name
        #expect(error() == .missingTensor(file: path, name: "a.model.embed.weight"))
    }

    @Test func tensorInTwoShardsIsRefused() throws {
        try writeShards()
        try folder.write(shards[0].writer.bytes(), to: shards[1].name)
        let paths = shards.map { folder.path + "/" + $0.name }
        #expect(
            error() == .tensorInTwoFiles(name: "a.model.embed.weight", first: paths[0], second: paths[1]))
    }
}
