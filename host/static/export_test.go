package static

// MaxFiles is of how many files a site remembers something.
const MaxFiles = maxFiles

// Awake tells whether the site holds its tree, and what it remembers: of how many
// files, and how many bytes of compressed ones.
func (s *Site) Awake() (open bool, files int, packed int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.root != nil, len(s.files.files), s.packed.size
}

// TakeTurn keeps others from compressing until the function is called.
func (s *Site) TakeTurn() func() {
	s.packing <- struct{}{}
	return func() { <-s.packing }
}
