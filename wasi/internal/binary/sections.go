package binary

// The sections that declare things, in the order of a module (core specification 5.5). Segments are in segments.go,
// function bodies in code.go.

// customSection keeps the name and size of a custom section, whose content engines ignore unless it is names.
func (s *scanner) customSection() {
	if len(s.out.Customs) >= s.limits.Customs {
		s.fail(TooLarge, "there are more custom sections than the limit of %d", s.limits.Customs)
		return
	}
	name := s.name(s.limits.NameBytes)
	if s.err != nil {
		return
	}
	s.out.Customs = append(s.out.Customs, Custom{Name: name, Size: s.left()})
	if name == "name" {
		s.nameSection()
		return
	}
	s.pos = s.end
}

func (s *scanner) typeSection() {
	const funcForm, least = 0x60, 3
	n := s.count("types", s.limits.Types, least)
	s.out.Types = make([]FuncType, 0, n)
	for i := 0; i < n && s.err == nil; i++ {
		if form := s.byte(); form != funcForm {
			s.lacks(s.pos-1, unknownType(form), "type %d has the unknown form %#02x", i, form)
			return
		}
		params := s.valTypes("parameters", s.limits.Params)
		results := s.valTypes("results", s.limits.Results)
		if len(results) > 1 {
			s.used |= MultiValue
		}
		s.out.Types = append(s.out.Types, FuncType{Params: params, Results: results})
	}
}

func (s *scanner) valTypes(what string, limit int) []ValType {
	n := s.count(what, limit, 1)
	if n == 0 {
		return nil
	}
	types := make([]ValType, n)
	for i := range types {
		types[i] = s.valType()
	}
	return types
}

func (s *scanner) valType() ValType {
	t := ValType(s.byte())
	switch {
	case !t.isValue():
		s.lacks(s.pos-1, unknownType(byte(t)), "unknown value type %#02x", byte(t))
	case t == V128:
		s.used |= SIMD
	case t.isReference():
		s.used |= ReferenceTypes
	}
	return t
}

func (s *scanner) refType() ValType {
	t := ValType(s.byte())
	switch {
	case !t.isReference():
		s.lacks(s.pos-1, unknownType(byte(t)), "unknown reference type %#02x", byte(t))
	case t == ExternRef:
		s.used |= ReferenceTypes
	}
	return t
}

// typeIndex reads the index of a type, which the outline relies on.
func (s *scanner) typeIndex() uint32 {
	at := s.pos
	index := s.u32()
	if s.err == nil && uint64(index) >= uint64(len(s.out.Types)) {
		s.failAt(at, Malformed, "there is no type %d", index)
	}
	return index
}

func (s *scanner) importSection() {
	const least = 4
	n := s.count("imports", s.limits.Imports, least)
	s.out.Imports = make([]Import, 0, n)
	for i := 0; i < n && s.err == nil; i++ {
		s.out.Imports = append(s.out.Imports, s.importEntry())
	}
}

func (s *scanner) importEntry() Import {
	i := Import{Module: s.name(s.limits.NameBytes), Name: s.name(s.limits.NameBytes), Kind: s.kind()}
	switch i.Kind {
	case KindFunc:
		i.Func = s.typeIndex()
		s.out.funcs = append(s.out.funcs, i.Func)
	case KindTable:
		i.Table = s.tableType()
	case KindMemory:
		i.Memory = s.memoryType()
	case KindGlobal:
		i.Global = s.globalType()
		s.globals = append(s.globals, i.Global)
		s.mutable = append(s.mutable, i.Global.Mutable)
		if i.Global.Mutable {
			s.used |= MutableGlobals
		}
	}
	return i
}

func (s *scanner) kind() Kind {
	const tag = 4
	k := Kind(s.byte())
	if k == tag {
		s.lacks(s.pos-1, ExceptionHandling, "an import or export is a tag")
	} else if k > KindGlobal {
		s.failAt(s.pos-1, Malformed, "unknown kind %#02x of import or export", byte(k))
	}
	return k
}

func (s *scanner) functionSection() {
	n := s.count("functions", s.limits.Functions, 1)
	s.out.Functions = n
	funcs := make([]uint32, len(s.out.funcs), len(s.out.funcs)+n)
	copy(funcs, s.out.funcs)
	for i := 0; i < n && s.err == nil; i++ {
		funcs = append(funcs, s.typeIndex())
	}
	s.out.funcs = funcs
}

func (s *scanner) tableSection() {
	const least = 3
	n := s.count("tables", s.limits.Tables, least)
	s.out.Tables = make([]TableType, 0, n)
	for i := 0; i < n && s.err == nil; i++ {
		s.out.Tables = append(s.out.Tables, s.tableType())
	}
	if n > 1 {
		s.used |= ReferenceTypes
	}
}

// tableType reads the type of a table and adds its entries to the sum of all.
func (s *scanner) tableType() TableType {
	const table64 = 4
	at := s.pos
	t := TableType{Elem: s.refType()}
	flags := s.byte()
	if flags >= table64 && flags < 2*table64 {
		s.lacks(s.pos-1, Memory64, "a table has the flags %#02x", flags)
	} else if flags > 1 {
		s.failAt(s.pos-1, Malformed, "unknown table flags %#02x", flags)
	}
	t.HasMax = flags == 1
	t.Min, t.Max = s.bounds(t.HasMax)
	s.tableEntries += int(t.Min)
	if s.err == nil && s.tableEntries > s.limits.TableEntries {
		s.failAt(at, TooLarge, "%d table entries are more than the limit of %d", s.tableEntries, s.limits.TableEntries)
	}
	return t
}

// bounds reads the limits of a table or memory (core specification 5.3.7) after their flags.
func (s *scanner) bounds(hasMax bool) (least, most uint32) {
	at := s.pos
	least = s.u32()
	if !hasMax {
		return least, 0
	}
	most = s.u32()
	if least > most {
		s.failAt(at, Malformed, "the minimum of %d is above the maximum of %d", least, most)
	}
	return least, most
}

func (s *scanner) memorySection() {
	const least = 2
	n := s.count("memories", s.left(), least) // memoryType refuses the second
	for i := 0; i < n && s.err == nil; i++ {
		s.out.Memories = append(s.out.Memories, s.memoryType())
	}
}

// memoryType reads the type of a memory. Flags of 3 are those of the threads proposal: a shared memory has a maximum.
func (s *scanner) memoryType() MemoryType {
	const shared, memory64, pageSize, maxPages = 3, 4, 8, 65536
	at := s.pos
	if _, second := s.out.Memory(); second {
		s.lacks(s.pos, MultiMemory, "there is more than one memory")
	}
	flags := s.byte()
	if flags >= memory64 && flags < 2*memory64 {
		s.lacks(at, Memory64, "the memory has 64-bit addresses")
	} else if flags >= pageSize && flags < 2*pageSize {
		s.lacks(at, CustomPageSizes, "the memory states the size of its pages")
	} else if flags == 2 {
		s.failAt(at, Malformed, "a shared memory needs a maximum")
	} else if flags > shared {
		s.failAt(at, Malformed, "unknown memory flags %#02x", flags)
	}
	if flags == shared {
		s.used |= Threads
	}
	least, most := s.bounds(flags&1 != 0)
	if least > maxPages || most > maxPages {
		s.failAt(at, Malformed, "a memory has at most %d pages (4 GiB)", maxPages)
	}
	return MemoryType{Min: uint64(least), Max: uint64(most), HasMax: flags&1 != 0, Shared: flags == shared}
}

func (s *scanner) globalSection() {
	const least = 3
	n := s.count("globals", s.limits.Globals, least)
	s.out.Globals.Count = n
	for i := 0; i < n && s.err == nil; i++ {
		t := s.globalType()
		s.addGlobal(t)
		init := s.expression()
		if s.module != nil {
			s.module.Globals = append(s.module.Globals, Global{Type: t, Init: init})
		}
	}
}

func (s *scanner) addGlobal(t GlobalType) {
	s.mutable = append(s.mutable, t.Mutable)
	if !t.Mutable {
		return
	}
	g := &s.out.Globals
	g.Mutable++
	g.MutableReference = g.MutableReference || t.Type.isReference()
	g.MutableVector = g.MutableVector || t.Type == V128
}

func (s *scanner) globalType() GlobalType {
	t := GlobalType{Type: s.valType()}
	mutability := s.byte()
	if mutability > 1 {
		s.failAt(s.pos-1, Malformed, "malformed mutability %#02x", mutability)
	}
	t.Mutable = mutability == 1
	return t
}

func (s *scanner) exportSection() {
	const least = 3
	n := s.count("exports", s.limits.Exports, least)
	s.out.Exports = make([]Export, 0, n)
	for i := 0; i < n && s.err == nil; i++ {
		e := Export{Name: s.name(s.limits.NameBytes), Kind: s.kind()}
		e.Index = s.u32()
		if e.Kind == KindGlobal && uint64(e.Index) < uint64(len(s.mutable)) && s.mutable[e.Index] {
			s.used |= MutableGlobals
		}
		s.out.Exports = append(s.out.Exports, e)
	}
}
