/** What the registry can do and how it does it. Code asks for an ability, never for the name of a profile. */
export interface Abilities {
  /** `GET referrers/<digest>`, and `OCI-Subject` in the answer to a PUT; without it 404 */
  readonly referrers: boolean
  /** `DELETE manifests/<tag>`; without it 405 */
  readonly deleteTag: boolean
  /** `DELETE manifests/<digest>`; without it 405 */
  readonly deleteManifest: boolean
  /** a manifest that an index of the same repository names can be deleted; without it 405 */
  readonly deleteInsideIndex: boolean
  /** `DELETE blobs/<digest>`; without it 405 */
  readonly deleteBlob: boolean
  /** cross-repository mount answers 201; without it always 202, an upload session */
  readonly mount: boolean
  /** `PUT manifests/<digest>?tag=a&tag=b`, answered with `OCI-Tag`; without it the parameter is ignored */
  readonly manyTags: boolean
  /** `n` and `last` of a tag list; without it the list is always whole */
  readonly tagPages: boolean
  /** a `last` that is no tag of the repository: the list goes on behind where it would stand, or 404 */
  readonly unknownLast: 'after' | 'not-found'
  /** the most entries in one answer to tags, referrers and the catalog, whatever `n` says; 0 is no limit */
  readonly pageLimit: number
  /** `Content-Range` of a chunk is checked against what is there (416), or the chunk is appended whatever it says */
  readonly chunkRange: 'checked' | 'ignored'
  /** `OCI-Chunk-Min-Length` in the answer that opens an upload, bytes; 0 is none */
  readonly chunkMinLength: number
  /** `Location` and `Link` with scheme and host, or from the root of the server */
  readonly locations: 'relative' | 'absolute'
}

/** Everything of the OCI distribution specification 1.1 and of its main branch. */
const oci: Abilities = {
  referrers: true,
  deleteTag: true,
  deleteManifest: true,
  deleteInsideIndex: true,
  deleteBlob: true,
  mount: true,
  manyTags: true,
  tagPages: true,
  unknownLast: 'after',
  pageLimit: 0,
  chunkRange: 'checked',
  chunkMinLength: 0,
  locations: 'relative',
}

/** Known registries as data. */
export const profiles = {
  'oci-1.1': oci,
  // distribution 2.8 (registry/handlers): no referrers route, a tag cannot be deleted, tags/list knows no pages,
  // and PATCH appends without a look at Content-Range
  'docker-registry-2.8': {
    ...oci,
    referrers: false,
    deleteTag: false,
    manyTags: false,
    tagPages: false,
    chunkRange: 'ignored',
    locations: 'absolute',
  },
  // zot 2.1 (pkg/api/routes.go, pkg/storage/common): a page behind an unknown tag is 404, and a manifest in an index is kept
  'zot-2.1': { ...oci, deleteInsideIndex: false, unknownLast: 'not-found' },
} as const satisfies Record<string, Abilities>

export type ProfileName = keyof typeof profiles
