import TestSupport
import Testing

/// `keyhold download`, and models that are named on a hub.
@Suite struct DownloadCommandTests {
    @Test(arguments: [["download"], ["inspect"], ["generate", "a", "--model"], ["serve", "--port", "0", "--model"]])
    func aHubThatCannotBeReachedIsAnError(command: [String]) throws {
        let folder = try TemporaryFolder()
        let outcome = try Command.run(
            command + ["hf:owner/model"],
            environment: ["HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": folder.path, "HF_HUB_CACHE": ""])
        #expect(outcome.status != 0)
        #expect(outcome.text == "")
        #expect(outcome.errorText.contains("the list of files of owner/model cannot be fetched"))
        #expect(outcome.errorText.contains("HF_ENDPOINT"))
    }

    @Test func offlineNothingIsAsked() throws {
        let folder = try TemporaryFolder()
        let outcome = try Command.run(
            ["download", "hf:owner/model:Q8_0"],
            environment: ["HF_HUB_OFFLINE": "1", "HF_HOME": folder.path, "HF_HUB_CACHE": ""])
        #expect(outcome.status != 0)
        #expect(outcome.errorText.contains("\(folder.path)/hub/models--owner--model"))
    }

    @Test(arguments: ["owner/model", "hf:model", "hf:a/b/c", "hf:a/../b"])
    func whatIsNoReferenceIsNamed(text: String) throws {
        let outcome = try Command.run(["download", text])
        #expect(outcome.status != 0)
        #expect(outcome.errorText.contains(text) && outcome.errorText.contains("hf:OWNER/NAME"))
    }
}
