internal import ArgumentParser
internal import ServerApp

/// `keyhold download`: a model of a hub, ahead of its first use.
struct DownloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "download",
        abstract: "Fetch a model from a hub into the local cache and print its path.",
        discussion: """
            Interrupted downloads go on where they stopped; every file is checked against the hub's checksum. \
            HF_ENDPOINT names another hub, HF_HOME or HF_HUB_CACHE another cache, HF_TOKEN a token; \
            HF_HUB_OFFLINE=1 forbids the network.
            """)

    @Argument(help: "hf:OWNER/NAME, hf:OWNER/NAME:FILE.gguf, hf:OWNER/NAME:Q8_0 or hf:OWNER/NAME@REVISION.")
    var model: String

    func validate() throws {
        guard model.hasPrefix("hf:") else {
            throw ValidationError("\(model) is no model of a hub; write hf:OWNER/NAME or hf:OWNER/NAME:FILE.gguf.")
        }
    }

    func run() throws {
        StandardOutput.write(try ModelDownload.localPath(model) + "\n")
    }
}
