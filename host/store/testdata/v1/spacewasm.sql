PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE apps (
    name     TEXT PRIMARY KEY,
    data_key TEXT NOT NULL,
    api_key  TEXT NOT NULL,
    created  INTEGER NOT NULL, -- milliseconds since 1970, UTC, as all times here
    active   INTEGER NOT NULL
) STRICT;
INSERT INTO "apps" VALUES('app','itonfckrzfii_LPMOBBZK3IVROHI5VJOBX3NRNZ','47z6gr2nnceb_RFQLZZLWQ6YKSB5JI2LIQVA4JP',1795536908568,3);
INSERT INTO "apps" VALUES('other','377eewzhwenq_7T5MGTHYQLSYL72IKMYUS26UBG','zohnngjc4hp4_V34E7PC5KUMPFIPECPHZBR4TLL',1795536908691,1);
CREATE TABLE revisions (
    app     TEXT NOT NULL REFERENCES apps (name) ON DELETE CASCADE,
    number  INTEGER NOT NULL,
    created INTEGER NOT NULL,
    micros  TEXT NOT NULL,
    PRIMARY KEY (app, number)
) STRICT;
INSERT INTO "revisions" VALUES('app',1,1795536908568,'[{"name":"web","path":"/","primary":true,"public":true,"run":["main.wasm"],"bundle":"85a5d023e7f728a68439a09b3a19fb921cf5da8c629046d5d26f20414f8eacea","contract":"cgi","no_snapshot":"a cgi module runs from its start for every request, in a new instance","wasm_bytes":216,"compile_time":4261734},{"name":"api","path":"/api","primary":false,"public":true,"run":["main.wasm"],"bundle":"ecb585d06855cc393e8162da4359137e6a45028bfbe213f69c114d81d6856b39","contract":"cgi","no_snapshot":"a cgi module runs from its start for every request, in a new instance","wasm_bytes":391,"compile_time":2556540}]');
INSERT INTO "revisions" VALUES('app',2,1795536908610,'[{"name":"app","path":"/","primary":true,"public":true,"run":["main.wasm"],"bundle":"d9f4d1bf9ef3f1c342c9cd35aec35567b9a60093cd4bf0ddd5f84b7041521c98","contract":"cgi","no_snapshot":"a cgi module runs from its start for every request, in a new instance","wasm_bytes":216,"compile_time":12033}]');
INSERT INTO "revisions" VALUES('app',3,1795536908649,'[{"name":"web","path":"/","primary":true,"public":true,"run":["main.wasm"],"bundle":"85a5d023e7f728a68439a09b3a19fb921cf5da8c629046d5d26f20414f8eacea","contract":"cgi","no_snapshot":"a cgi module runs from its start for every request, in a new instance","wasm_bytes":216,"compile_time":6282},{"name":"api","path":"/api","primary":false,"public":true,"run":["main.wasm"],"bundle":"ecb585d06855cc393e8162da4359137e6a45028bfbe213f69c114d81d6856b39","contract":"cgi","no_snapshot":"a cgi module runs from its start for every request, in a new instance","wasm_bytes":391,"compile_time":712613}]');
INSERT INTO "revisions" VALUES('other',1,1795536908691,'[{"name":"other","path":"/","primary":true,"public":true,"run":["main.wasm"],"bundle":"ecb585d06855cc393e8162da4359137e6a45028bfbe213f69c114d81d6856b39","contract":"cgi","no_snapshot":"a cgi module runs from its start for every request, in a new instance","wasm_bytes":391,"compile_time":8446}]');
COMMIT;
