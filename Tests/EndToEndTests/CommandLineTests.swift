import JSON
import TestSupport
import Tensors
import Testing

/// `keyhold generate`, `keyhold inspect` and `keyhold evaluate`.
@Suite struct CommandLineTests {
    private static let prompt =
        " The code of Ann is 48213.\nQuestion: What is the code of Ann?\nAnswer: The code of Ann is "

    @Test func generatePrintsTheContinuation() throws {
        let outcome = try Command.run(["generate", Self.prompt, "--max-tokens", "5", "--threads", "1"])
        #expect(outcome.status == 0)
        #expect(outcome.text == "48213\n")
        #expect(outcome.errorText == "")
    }

    @Test func generateReadsAPromptFromStandardInputAndReportsUsage() throws {
        let outcome = try Command.run(
            ["generate", "-", "-n", "5", "--kv-policy", "h2o", "--kv-budget-tokens", "16", "--verbose"],
            input: Self.prompt)
        #expect(outcome.status == 0)
        #expect(outcome.errorText.contains("KV policy      h2o, budget 16 tokens"))
        #expect(outcome.errorText.contains("finish reason  length"))
    }

    @Test func generateChatsInTheModelsFormat() throws {
        let outcome = try Command.run(["generate", "--chat", "Hello", "-n", "4", "--seed", "1", "--temperature", "0.5"])
        #expect(outcome.status == 0)
        #expect(outcome.text.count > 1)
    }

    @Test(arguments: [
        (["generate", "a", "--temperature", "7"], "temperature"), (["generate", "a", "--top-p", "2"], "top_p"),
        (["generate", "a", "--kv-policy", "best"], "best"), (["generate", ""], "prompt"),
        (["generate", "a", "-n", "99999"], "context"), (["inspect", "/nonexistent"], "/nonexistent"),
        (["inspect", "--pool", "much"], "--pool"), (["inspect", "--budget-ratio", "7"], "--budget-ratio"),
        (["inspect", "--budget-ratio", "0.5", "--budget-tokens", "5"], "one of the two"),
        (["evaluate", "--policy", "best"], "best"), (["evaluate", "--policy", "h2o:recent=7"], "recent"),
        (["evaluate", "--budgets", "0"], "--budgets"), (["evaluate", "--suites", "all"], "--suites"),
        (["evaluate", "--text", "/nonexistent"], "--text"), (["evaluate", "--out", "/dev/null/a"], "--out"),
        (["inspect", "--budget-tokens", "0"], "from 1 to"), (["inspect", "--context", "99999999999999"], "--context"),
        (["inspect", "--budget-tokens", "9223372036854775807"], "--budget-tokens"),
        (["inspect", "--storage", "f64"], "f16, f32, bf16, q8, q4"),
        (["generate", "a", "--temperature", "nan"], "temperature"),
        (["generate", "a", "--top-p", "inf"], "top_p"), (["serve", "--kv-policy", "best"], "full, window"),
        (["serve", "--no-such-option"], "no-such-option"), (["dance"], "dance"),
        (["quantize", "/nonexistent", "/tmp/out.gguf", "Q9"], "Q4_K_M"),
        (["quantize", "/nonexistent", "/tmp/out.gguf", "Q8_0"], "/nonexistent"),
    ])
    func aBadCommandEndsWithAnErrorThatSaysWhatToChange(arguments: [String], words: String) throws {
        let outcome = try Command.run(arguments)
        #expect(outcome.status != 0)
        #expect(outcome.text.trimmingPrefix("\n").isEmpty)
        #expect(outcome.errorText.contains(words), "\(outcome.errorText)")
    }

    @Test func inspectCountsTheSequencesThatFitAPool() throws {
        let outcome = try Command.run(["inspect", "--pool", "64MiB", "--budget-tokens", "100", "--context", "1000"])
        #expect(outcome.status == 0)
        for words in [
            "recall3M", "6 query, 2 KV, dimension 32", "2048 tokens, merge ranks", "KV per token    1584 bytes in f16",
            "64MiB, for sequences of 1000 tokens", "budget 100", "GGUF version 3", "byte-level BPE", "Q8_0: ",
        ] {
            #expect(outcome.text.contains(words), "\(words): \(outcome.text)")
        }
    }

    @Test func inspectSaysAsJSONWhatItSaysToPeople() throws {
        let outcome = try Command.run(["inspect", "--json"])
        #expect(outcome.status == 0)
        let json = try #require(try JSONValue(parsing: Array(outcome.text.utf8), limits: .file).asObject)
        #expect(json["family"] == "llama" && json["kv_bytes_per_token"] == 1584 && json["fault"] == .null)
        #expect((json["parameters"]?.asInt ?? 0) > 1_000_000)
        #expect(json["weights"]?.asArray?.first?.asObject?["type"] == "Q8_0")
    }

    @Test func inspectShowsWhatCanBeReadOfABrokenModel() throws {
        let folder = try TemporaryFolder()
        var writer = GGUFWriter()
        writer.add("general.architecture", .string("unheard-of"))
        writer.add("unheard-of.context_length", .uint32(77))
        writer.add("tokenizer.ggml.model", .string("gpt2"))
        writer.add("a.weight", shape: [3, 5], type: .f16, values: [Float](repeating: 1, count: 15))
        let path = try folder.write(writer.bytes(), to: "odd.gguf")
        let outcome = try Command.run(["inspect", path])
        #expect(outcome.status == 1)
        for words in ["unheard-of", "15 in 1 tensors", "F16: 1 tensors, 30 bytes", "77 tokens", "chat template"] {
            #expect(outcome.text.contains(words), "\(words): \(outcome.text)")
        }
        #expect(outcome.errorText.hasPrefix("Error: ") && outcome.errorText.contains("odd.gguf"))
        let cut = try folder.write(Array(writer.bytes().prefix(100)), to: "cut.gguf")
        let broken = try Command.run(["inspect", cut])
        #expect(broken.status != 0 && broken.text.isEmpty)
        #expect(broken.errorText.contains("cut.gguf: ") && broken.errorText.contains("at byte"))
    }

    @Test func quantizeWritesAModelThatAnswers() throws {
        let folder = try TemporaryFolder()
        let (floats, small) = ("\(folder.path)/f16.gguf", "\(folder.path)/q4.gguf")
        #expect(try Command.run(["bench", "model", "--shape", "small", "--type", "f16", floats]).status == 0)
        let outcome = try Command.run(["quantize", floats, small, "q4_k"])
        #expect(outcome.status == 0, "\(outcome.errorText)")
        #expect(outcome.text.contains("Q4_K 12 tensors") && outcome.text.contains("Q6_K 3 tensors"), "\(outcome.text)")
        let answer = try Command.run(["generate", "--model", small, "a b", "-n", "3"])
        #expect(answer.status == 0 && !answer.text.isEmpty)
        let inspected = try Command.run(["inspect", small])
        #expect(inspected.text.contains("Q6_K: 3 tensors"), "\(inspected.text)")
        let again = try Command.run(["quantize", small, "\(folder.path)/again.gguf", "Q8_0"])
        #expect(again.status != 0 && again.errorText.contains("F32, F16 or BF16"))
        #expect(!TestFiles.exists("\(folder.path)/again.gguf"))
    }

    @Test func quantizeTakesAFolderAndLeavesOneFile() throws {
        let folder = try TemporaryFolder()
        for name in ["config.json", "model.safetensors"] {
            let bytes = TestFiles.bytes(of: "\(TestFiles.fixtures(of: "DecodingTests"))/families/llama/\(name)")
            try folder.write(try #require(bytes), to: name)
        }
        try folder.write(ByteTokenizer.json, to: "tokenizer.json")
        let written = try TemporaryFolder()
        let outcome = try Command.run(["quantize", folder.path, "\(written.path)/q8.gguf", "Q8_0"])
        #expect(outcome.status == 0 && outcome.text.contains("Q8_0 "), "\(outcome.errorText)")
        #expect(try written.names() == ["q8.gguf"])
        let answer = try Command.run(["generate", "--model", "\(written.path)/q8.gguf", "a b", "-n", "3"])
        #expect(answer.status == 0, "\(answer.errorText)")
    }

    @Test func evaluatePrintsATableAndGoesOnWhereItStopped() throws {
        let folder = try TemporaryFolder()
        let arguments = [
            "evaluate", "--quick", "--suites", "prose", "--budgets", "100,25", "--policy", "h2o", "--texts", "2",
            "--context", "96", "--continuation", "4", "--out", "\(folder.path)/new",
        ]
        let first = try Command.run(arguments)
        #expect(first.status == 0, "\(first.errorText)")
        #expect(first.errorText == "")
        #expect(first.text.contains("| h2o "))
        #expect(first.text.contains("| random "))
        let again = try Command.run(arguments)
        #expect(again.text == first.text)
        for name in ["results.json", "table.md", "prose-kl.svg"] {
            #expect(TestFiles.exists("\(folder.path)/new/\(name)"), "\(name)")
        }
    }

    @Test func versionAndHelpAreThere() throws {
        #expect(try Command.run(["--version"]).text == "keyhold 0.1.0\n")
        let help = try Command.run(["serve", "--help"]).text
        for option in ["--model", "--kv-pool-bytes", "--overload-status", "--print-config"] {
            #expect(help.contains(option), "\(option)")
        }
    }
}
