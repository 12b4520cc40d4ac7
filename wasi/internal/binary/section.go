package binary

// SectionID says what a section holds (core specification 5.5.2).
type SectionID byte

// The sections, by their identifiers.
const (
	SectionCustom    SectionID = 0
	SectionType      SectionID = 1
	SectionImport    SectionID = 2
	SectionFunction  SectionID = 3
	SectionTable     SectionID = 4
	SectionMemory    SectionID = 5
	SectionGlobal    SectionID = 6
	SectionExport    SectionID = 7
	SectionStart     SectionID = 8
	SectionElement   SectionID = 9
	SectionCode      SectionID = 10
	SectionData      SectionID = 11
	SectionDataCount SectionID = 12
	SectionTag       SectionID = 13 // exception handling, not supported
)

// Section is one section of a module.
type Section struct {
	// Content is what stands behind the section's identifier and size; of a custom section, its name first.
	Content []byte
	// ID says what the section holds.
	ID SectionID

	raw []byte // as it was read, with identifier and size; nil if Content is new
}

// rank returns the place of a section in the order of a module. It is the order of the identifiers, but for the
// data count section, which was added later and comes before the code that needs it.
func (id SectionID) rank() int {
	switch id {
	case SectionDataCount:
		return int(SectionCode)
	case SectionCode, SectionData:
		return int(id) + 1
	default:
		return int(id)
	}
}

// sectionName returns the name of a section for messages.
func sectionName(id SectionID) string {
	names := [...]string{
		"custom", "type", "import", "function", "table", "memory", "global", "export", "start", "element", "code",
		"data", "data count", "tag",
	}
	if int(id) >= len(names) {
		return "unknown"
	}
	return names[id]
}
