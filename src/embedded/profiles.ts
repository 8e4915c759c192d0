/** What the registry can do and how it does it. Code asks for an ability, never for the name of a profile. */
export interface Abilities {
  /** `GET referrers/<digest>`, and `OCI-Subject` in the answer to a PUT; without it 404 */
  readonly referrers: boolean
  /** `DELETE manifests/<tag>`, which takes the manifest along or not; else the code that refuses it: 405 or 400 `UNSUPPORTED`, or 400 `DIGEST_INVALID` */
  readonly deleteTag: 'yes' | 'with its manifest' | 'UNSUPPORTED' | 'UNSUPPORTED 400' | 'DIGEST_INVALID'
  /** `DELETE manifests/<digest>`; without it 405 */
  readonly deleteManifest: boolean
  /** a manifest is deleted with the tags on it; without it, it is held by them */
  readonly deleteTagged: boolean
  /** a manifest that an index of the same repository names can be deleted; without it, it is held by the index */
  readonly deleteInsideIndex: boolean
  /** a manifest that others refer to by `subject` can be deleted, with or without them; else it is held by them */
  readonly deleteSubject: 'yes' | 'with its referrers' | 'no'
  /** how a DELETE of a manifest that is held is refused, and the code by what holds it */
  readonly held: {
    readonly status: 400 | 403 | 405 | 409
    readonly byTag: string
    readonly byIndex: string
    readonly byReferrer: string
  }
  /** Tags that nobody deletes, nor the manifests that they are on: 405. */
  readonly lockedTags: readonly string[]
  /** a manifest without a tag: DELETE answers 404, or GET does too where no index with a tag leads to it and no subject */
  readonly untagged: 'like others' | 'undeletable' | 'hidden'
  /** what a DELETE of a manifest answers that was done; 500 although it was done */
  readonly deleteAnswer: 200 | 202 | 204 | 500
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
  /** GET of the fallback tag of a manifest that is there and has none: 404, or that manifest, though no such tag is listed */
  readonly fallbackTag: 'like others' | 'its subject'
  /** `GET /v2/_catalog`; without it 404 */
  readonly catalog: boolean
  /** milliseconds that the clock behind `Date` is ahead of the registry's own */
  readonly clockAhead: number
  /** tags in ASCII order, as the specification has it, or as the storage gives them */
  readonly tagOrder: 'sorted' | 'none'
  /** `n` and `last` of a tag list; without it the list is always whole */
  readonly tagPages: boolean
  /** a `last` that is no tag of the repository: the list goes on behind where it would stand, or 404 */
  readonly unknownLast: 'after' | 'not-found'
  /** the most entries in one answer to tags, referrers and the catalog, whatever `n` says; 0 is no limit */
  readonly pageLimit: number
  /** `Link` has the `n` that was asked for, or `n=0`, which then means as many as fit */
  readonly nextLink: 'n as asked' | 'n=0'
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
  deleteTagged: true,
  deleteInsideIndex: true,
  deleteSubject: 'yes',
  held: { status: 405, byTag: 'DENIED', byIndex: 'DENIED', byReferrer: 'DENIED' },
  lockedTags: [],
  untagged: 'like others',
  deleteAnswer: 202,
  deleteBlob: true,
  mount: true,
  singlePost: true,
  sha512Manifests: true,
  manyTags: true,
  fallbackTag: 'like others',
  catalog: true,
  clockAhead: 0,
  tagOrder: 'sorted',
  tagPages: true,
  unknownLast: 'after',
  pageLimit: 0,
  nextLink: 'n as asked',
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
  // registry/handlers/manifests.go: DELETE of a tag is there, and neither the referrers API nor `?tag=`; with deletes on
  'distribution-3': {
    ...oci,
    referrers: false,
    singlePost: false,
    sha512Manifests: false,
    manyTags: false,
    uploadState: true,
    locations: 'absolute',
  },
  // manifest.go: everything, and a tag is deleted alone
  'olareg-0.2': oci,
  // src/server/registry/manifest.go: a tag is 400 UNSUPPORTED, whatever DELETE is asked for; accessories, which is what it calls referrers, go with their subject
  harbor: {
    ...oci,
    deleteTag: 'UNSUPPORTED 400',
    deleteSubject: 'with its referrers',
    sha512Manifests: false,
    manyTags: false,
  },
  // endpoints/v2/manifest.py: a manifest is deleted by its tags, and is 404 where it has none; `untagged: 'hidden'` is how a pushed manifest is
  // before a tag or an index leads to it. The right that it takes is `deletesBy: 'push'` (endpoints/v2/v2auth.py).
  quay: { ...oci, untagged: 'undeletable', sha512Manifests: false, manyTags: false },
  // container-registry, docs/spec/api.md and issue 1091
  gitlab: {
    ...oci,
    referrers: false,
    deleteInsideIndex: false,
    held: { status: 409, byTag: 'DENIED', byIndex: 'MANIFEST_REFERENCED_IN_LIST', byReferrer: 'DENIED' },
    fallbackTag: 'its subject',
    sha512Manifests: false,
    manyTags: false,
    locations: 'absolute',
  },
  // docs.github.com, Deleting and restoring a package: by another API alone
  ghcr: {
    ...oci,
    referrers: false,
    deleteTag: 'UNSUPPORTED',
    deleteManifest: false,
    deleteBlob: false,
    manyTags: false,
    catalog: false,
    nextLink: 'n=0',
  },
  // docs.docker.com/reference/api/registry/latest, Deleting Images: 403 while something refers to it, 500 while it is still at it
  'docker-hub': {
    ...oci,
    deleteTagged: false,
    deleteInsideIndex: false,
    held: { status: 403, byTag: 'DENIED', byIndex: 'DENIED', byReferrer: 'DENIED' },
    deleteAnswer: 500,
    sha512Manifests: false,
    manyTags: false,
    catalog: false,
  },
  // Seen by others: github.com/enix/kube-image-keeper/issues/636 (tags), gcr-cleaner (indexes); a referrer counts as a parent of its subject.
  gar: {
    ...oci,
    deleteTagged: false,
    deleteInsideIndex: false,
    deleteSubject: 'no',
    held: {
      status: 400,
      byTag: 'GOOGLE_MANIFEST_DANGLING_TAG',
      byIndex: 'GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE',
      byReferrer: 'GOOGLE_MANIFEST_REFERRING_MANIFEST',
    },
    sha512Manifests: false,
    manyTags: false,
    catalog: false,
  },
  // docs.aws.amazon.com/AmazonECR: tags go by its own API alone; github.com/aws/containers-roadmap/issues/1229: manifests go by this one
  ecr: {
    ...oci,
    deleteTag: 'UNSUPPORTED',
    deleteBlob: false,
    sha512Manifests: false,
    manyTags: false,
    catalog: false,
    pageLimit: 1000,
  },
  // /acr/v1/_tags deletes tags; github.com/Azure/acr-cli/issues/70: `lockedTags` are 405 REGISTRY_DISALLOWED_OPERATION
  acr: {
    ...oci,
    deleteTag: 'UNSUPPORTED',
    deleteBlob: false,
    sha512Manifests: false,
    manyTags: false,
    brokenUpload: 'dropped',
  },
} as const satisfies Record<string, Abilities>

export type ProfileName = keyof typeof profiles

/** Deletes switched off, as most registries come: every DELETE of content is 405. */
export const withoutDeletes = {
  deleteTag: 'UNSUPPORTED',
  deleteManifest: false,
  deleteBlob: false,
} as const satisfies Partial<Abilities>
