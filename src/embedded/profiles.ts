/** What the registry can do and how it does it. Code asks for an ability, never for the name of a profile. */
export interface Abilities {
  /** `GET referrers/<digest>`, and `OCI-Subject` in the answer to a PUT; without it 404 */
  readonly referrers: boolean
  /** `DELETE manifests/<tag>`; else the code that refuses it: 405 `UNSUPPORTED` or 400 `DIGEST_INVALID` */
  readonly deleteTag: 'yes' | 'UNSUPPORTED' | 'DIGEST_INVALID'
  /** `DELETE manifests/<digest>`; without it 405 */
  readonly deleteManifest: boolean
  /** a manifest that an index of the same repository names can be deleted; without it 405 */
  readonly deleteInsideIndex: boolean
  /** `DELETE blobs/<digest>`; without it 405 */
  readonly deleteBlob: boolean
  /** cross-repository mount answers 201; without it always 202, an upload session */
  readonly mount: boolean
  /** a blob in one POST with `digest=`; without it 202, an upload session, and the body is not kept */
  readonly singlePost: boolean
  /** a manifest by its sha512 digest; without it 400 */
  readonly sha512Manifests: boolean
  /** `PUT manifests/<digest>?tag=a&tag=b`, answered with `OCI-Tag`; without it the parameter is ignored */
  readonly manyTags: boolean
  /** tags in ASCII order, as the specification has it, or as the storage gives them */
  readonly tagOrder: 'sorted' | 'none'
  /** `n` and `last` of a tag list; without it the list is always whole */
  readonly tagPages: boolean
  /** a `last` that is no tag of the repository: the list goes on behind where it would stand, or 404 */
  readonly unknownLast: 'after' | 'not-found'
  /** the most entries in one answer to tags, referrers and the catalog, whatever `n` says; 0 is no limit */
  readonly pageLimit: number
  /** `Content-Range` of a chunk is checked against what is there (416), or the chunk is appended whatever it says */
  readonly chunkRange: 'checked' | 'ignored'
  /** the bytes that came before a client broke off stay in the session, or the session is dropped */
  readonly brokenUpload: 'kept' | 'dropped'
  /** an upload's `Location` has a query that says how far it is; with an older one the session is not found (404) */
  readonly uploadState: boolean
  /** `OCI-Chunk-Min-Length` in the answer that opens an upload, bytes; 0 is none */
  readonly chunkMinLength: number
  /** `Location` and `Link` with scheme and host, or from the root of the server */
  readonly locations: 'relative' | 'absolute'
}

/** Everything of the OCI distribution specification 1.1 and of its main branch. */
const oci: Abilities = {
  referrers: true,
  deleteTag: 'yes',
  deleteManifest: true,
  deleteInsideIndex: true,
  deleteBlob: true,
  mount: true,
  singlePost: true,
  sha512Manifests: true,
  manyTags: true,
  tagOrder: 'sorted',
  tagPages: true,
  unknownLast: 'after',
  pageLimit: 0,
  chunkRange: 'checked',
  brokenUpload: 'kept',
  uploadState: false,
  chunkMinLength: 0,
  locations: 'relative',
}

/** Known registries as data. */
export const profiles = {
  'oci-1.1': oci,
  // Seen with 2.8.2, deletes on: DELETE of a tag is 400 DIGEST_INVALID (405 with deletes off), tags come in the order of the folder, a POST with
  // `digest=` is 202, PATCH appends whatever Content-Range says, and a session is 404 BLOB_UPLOAD_INVALID under a Location from before its last chunk.
  'docker-registry-2.8': {
    ...oci,
    referrers: false,
    deleteTag: 'DIGEST_INVALID',
    singlePost: false,
    sha512Manifests: false,
    manyTags: false,
    tagOrder: 'none',
    tagPages: false,
    chunkRange: 'ignored',
    uploadState: true,
    locations: 'absolute',
  },
  // pkg/api/routes.go: a body that breaks off drops the session, a manifest that an index names is kept, and a page behind an unknown tag is 404
  'zot-2.1': { ...oci, deleteInsideIndex: false, unknownLast: 'not-found', brokenUpload: 'dropped' },
} as const satisfies Record<string, Abilities>

export type ProfileName = keyof typeof profiles

/** Deletes switched off, as most registries come: every DELETE of content is 405. */
export const withoutDeletes = {
  deleteTag: 'UNSUPPORTED',
  deleteManifest: false,
  deleteBlob: false,
} as const satisfies Partial<Abilities>
