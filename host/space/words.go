package space

// Words says in a few words what a code means, as the heading of a report.
func (c Code) Words() string {
	words, ok := map[Code]string{
		CodeUnauthorized: "Not logged in", CodeForbidden: "Not allowed", CodeNotFound: "Not found",
		CodeMethodNotAllowed: "Not possible", CodeMisdirected: "Wrong host", CodeBadRequest: "Not understood",
		CodePayloadTooLarge: "Too large", CodeNotHeld: "Not here any more", CodeRefused: "Refused",
		CodeQueueFull: "The Micro was busy", CodeTooManyAttempts: "Too many attempts", CodeNodeFull: "The server was busy",
		CodeUpgradeUnsupported: "No WebSockets", CodeCrashed: "The program crashed", CodeExited: "The program ended with an error",
		CodeOutOfMemory: "The program ran out of memory", CodeBadResponse: "The program's answer is no HTTP",
		CodeResponseTooLarge: "The program's answer is too large", CodeDeadline: "The program took too long",
		CodePreparing: "Not ready", CodeBuildFailed: "The build failed", CodeStorage: "The disk is full",
		CodeClientGone: "The visitor left", CodeInternal: "The server failed",
	}[c]
	if !ok {
		return string(c)
	}
	return words
}
