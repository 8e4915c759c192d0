import type { RegistryCode } from './errors.ts'

/** The features of a registry. Code checks an ability, never the name of a profile. */
export interface Abilities {
  /** `GET referrers/<digest>` and `OCI-Subject` in the response to a PUT; else 404 */
  readonly referrers: boolean
  /**
   * `DELETE manifests/<tag>`, alone or with its manifest; else the code of the refusal: 405 or 400
   * `UNSUPPORTED`, or 400 `DIGEST_INVALID`
   */
  readonly deleteTag: 'yes' | 'with its manifest' | 'UNSUPPORTED' | 'UNSUPPORTED 400' | 'DIGEST_INVALID'
  /** `DELETE manifests/<digest>`; else 405 */
  readonly deleteManifest: boolean
  /** deletes a manifest together with its tags; else its tags protect it */
  readonly deleteTagged: boolean
  /** deletes a manifest that an index in the repository names; else the index protects it */
  readonly deleteInsideIndex: boolean
  /** deletes a manifest that has referrers, with or without them; else they protect it */
  readonly deleteSubject: 'yes' | 'with its referrers' | 'no'
  /** how the DELETE of a protected manifest is refused, and the code for each reason */
  readonly referenced: {
    readonly status: 400 | 403 | 405 | 409
    readonly byTag: string
    readonly byIndex: string
    readonly byReferrer: string
  }
  /** Tags that cannot be deleted, nor can their manifests: 405. */
  readonly lockedTags: readonly string[]
  /** a manifest whose last tag moves to another one */
  readonly formerManifest: 'kept' | 'deleted'
  /**
   * `Access-Control-Allow-Headers` of the answers to HEAD of a manifest and to GET of a list, in
   * which a registry names a header of its own web page
   */
  readonly webPageHeaders: string | undefined
  /** a manifest without a tag: DELETE answers 404, or also GET if nothing tagged leads to it */
  readonly untagged: 'like others' | 'undeletable' | 'hidden'
  /** the status of a successful DELETE of a manifest; may be 500 */
  readonly deleteAnswer: 200 | 202 | 204 | 500
  /** `DELETE blobs/<digest>`; else 405 */
  readonly deleteBlob: boolean
  /** a cross-repository mount answers 201; else always 202, an upload session */
  readonly mount: boolean
  /** mounts from any repository and ignores `from`, if everyone may read them all */
  readonly mountFrom: 'named' | 'any'
  /** a blob in one POST with `digest=`; else 202, an upload session, and the body is dropped */
  readonly singlePost: boolean
  /** a manifest by its sha512 digest; else 400 */
  readonly sha512Manifests: boolean
  /** the withdrawn artifact manifests; else 400 `MANIFEST_INVALID` */
  readonly artifactManifests: boolean
  /**
   * `PUT manifests/<digest>?tag=a&tag=b`, answered with `OCI-Tag`; else the parameter is ignored
   */
  readonly manyTags: boolean
  /** GET of the missing fallback tag of a manifest: 404, or that manifest */
  readonly fallbackTag: 'like others' | 'its subject'
  /** GET and HEAD of a manifest whose media type `Accept` does not name: 404, or the manifest */
  readonly accept: 'checked' | 'ignored'
  /** the code for a manifest whose content is missing, and for one with another digest: 400 */
  readonly refusedManifest: { readonly missing: RegistryCode; readonly digest: RegistryCode }
  /** whether an index must have all of its manifests, or may be pushed without some of them */
  readonly sparseIndexes: 'refused' | 'accepted'
  /** `GET /v2/_catalog`; else 404 */
  readonly catalog: boolean
  /** the tags of a repository that does not exist: 404, or an empty list */
  readonly unknownRepository: 'not found' | 'empty'
  /** milliseconds by which `Date` is ahead of the registry's clock */
  readonly clockAhead: number
  /** tags in ASCII order, as specified, or in another order */
  readonly tagOrder: 'sorted' | 'none'
  /** `n` and `last` of a tag list; else the list is always complete */
  readonly tagPages: boolean
  /** for a `last` that is no tag: the tags after it in order, or 404 without a code */
  readonly unknownLast: 'after' | 'not-found'
  /** for `n=0` and at least one tag: an empty list, or the connection breaks */
  readonly zeroTags: 'empty' | 'breaks'
  /** the most entries of a page of tags, referrers or the catalog; 0 is no limit */
  readonly pageLimit: number
  /** `Link` repeats the requested `n`, or has `n=0`, which means as many as fit */
  readonly nextLink: 'n as asked' | 'n=0'
  /** `Content-Range` of a chunk is checked (416) or ignored */
  readonly chunkRange: 'checked' | 'ignored'
  /** after a client disconnects, the session keeps its bytes or is dropped */
  readonly brokenUpload: 'kept' | 'dropped'
  /**
   * The `Location` of an upload has a query with its state. An old one is not found (404), or
   * refused for all but GET (416 `RANGE_INVALID`).
   */
  readonly uploadState: 'none' | 'checked' | 'checked for writes'
  /** `OCI-Chunk-Min-Length` in the response that opens an upload, bytes; 0 is none */
  readonly chunkMinLength: number
  /** `Location` and `Link` with scheme and host, or from the root of the server */
  readonly locations: 'relative' | 'absolute'
}

/** Everything in the OCI distribution specification 1.1 and its main branch. */
const oci: Abilities = {
  referrers: true,
  deleteTag: 'yes',
  deleteManifest: true,
  deleteTagged: true,
  deleteInsideIndex: true,
  deleteSubject: 'yes',
  referenced: { status: 405, byTag: 'DENIED', byIndex: 'DENIED', byReferrer: 'DENIED' },
  lockedTags: [],
  formerManifest: 'kept',
  webPageHeaders: undefined,
  untagged: 'like others',
  deleteAnswer: 202,
  deleteBlob: true,
  mount: true,
  mountFrom: 'named',
  singlePost: true,
  sha512Manifests: true,
  artifactManifests: true,
  manyTags: true,
  fallbackTag: 'like others',
  accept: 'checked',
  refusedManifest: { missing: 'MANIFEST_BLOB_UNKNOWN', digest: 'DIGEST_INVALID' },
  sparseIndexes: 'refused',
  catalog: true,
  unknownRepository: 'not found',
  clockAhead: 0,
  tagOrder: 'sorted',
  tagPages: true,
  unknownLast: 'after',
  zeroTags: 'empty',
  pageLimit: 0,
  nextLink: 'n as asked',
  chunkRange: 'checked',
  brokenUpload: 'kept',
  uploadState: 'none',
  chunkMinLength: 0,
  locations: 'relative',
}

/** Known registries as data. */
export const profiles = {
  'oci-1.1': oci,
  // Observed with 2.8.2, deletes on: DELETE of a tag is 400 DIGEST_INVALID (405 with deletes off),
  // tags are in the order of the folder, a POST with `digest=` is 202, PATCH ignores Content-Range,
  // and an old Location of a session is 404 BLOB_UPLOAD_INVALID.
  'docker-registry-2.8': {
    ...oci,
    referrers: false,
    deleteTag: 'DIGEST_INVALID',
    singlePost: false,
    sha512Manifests: false,
    artifactManifests: false,
    manyTags: false,
    tagOrder: 'none',
    tagPages: false,
    chunkRange: 'ignored',
    uploadState: 'checked',
    locations: 'absolute',
  },
  // 2.1.20, pkg/api/routes.go: PatchBlobUpload drops the session of an interrupted body, ListTags
  // answers 404 for an unknown `last`, CheckManifest and GetManifest do not read `Accept`, and
  // CreateBlobUpload does not read `from`. DeleteManifest: an index protects its manifests.
  // getUIHeadersHandler names the header of its web page. pkg/storage/common/common.go,
  // ValidateManifest and GetAndValidateRequestDigest: what is missing or has another digest makes a
  // manifest invalid. CheckIfIndexNeedsUpdate and PruneImageManifestsFromIndex: the entry of a tag
  // that moves is dropped, and an entry without a tag does not exist beside it.
  'zot-2.1': {
    ...oci,
    artifactManifests: false,
    deleteInsideIndex: false,
    formerManifest: 'deleted',
    webPageHeaders: 'Authorization,content-type,X-ZOT-API-CLIENT',
    mountFrom: 'any',
    accept: 'ignored',
    refusedManifest: { missing: 'MANIFEST_INVALID', digest: 'MANIFEST_INVALID' },
    unknownLast: 'not-found',
    brokenUpload: 'dropped',
  },
  // registry/handlers/manifests.go: DELETE of a tag, no referrers API, no `?tag=`; deletes on.
  // 3.1.1, registry/handlers/blobupload.go: GetUploadStatus does not read the state of the location
  // and names the current one, ResumeBlobUpload refuses other requests with an old state, and what
  // copyFullPayload wrote before a break stays.
  'distribution-3': {
    ...oci,
    referrers: false,
    singlePost: false,
    sha512Manifests: false,
    artifactManifests: false,
    manyTags: false,
    uploadState: 'checked for writes',
    locations: 'absolute',
  },
  // 0.2.2, manifest.go, manifestDelete: a tag is deleted alone. olareg.go, ServeHTTP: no catalog.
  // tag.go, tagList: a repository exists as soon as a request names it, and `n=0` panics after it
  // cut the list.
  'olareg-0.2': { ...oci, catalog: false, unknownRepository: 'empty', zeroTags: 'breaks' },
  // src/server/registry/manifest.go: DELETE of a tag is 400 UNSUPPORTED. Accessories, which are
  // referrers, are deleted with their subject.
  harbor: {
    ...oci,
    deleteTag: 'UNSUPPORTED 400',
    deleteSubject: 'with its referrers',
    sha512Manifests: false,
    manyTags: false,
  },
  // endpoints/v2/manifest.py: DELETE of a manifest removes its tags, and is 404 if it has none.
  // `untagged: 'hidden'` is a pushed manifest before a tag or an index leads to it. It needs the
  // permission of `deletesBy: 'push'` (endpoints/v2/v2auth.py).
  quay: { ...oci, untagged: 'undeletable', sha512Manifests: false, manyTags: false },
  // container-registry, docs/spec/api.md and issue 1091.
  gitlab: {
    ...oci,
    referrers: false,
    deleteInsideIndex: false,
    referenced: {
      status: 409,
      byTag: 'DENIED',
      byIndex: 'MANIFEST_REFERENCED_IN_LIST',
      byReferrer: 'DENIED',
    },
    fallbackTag: 'its subject',
    sha512Manifests: false,
    artifactManifests: false,
    manyTags: false,
    locations: 'absolute',
  },
  // routers/api/packages/container: no referrers API, and Accept is not read. The imitation of its
  // API deletes a manifest with its last tag.
  gitea: {
    ...oci,
    referrers: false,
    accept: 'ignored',
    sha512Manifests: false,
    artifactManifests: false,
    manyTags: false,
  },
  // docs.github.com, Deleting and restoring a package: only by another API.
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
  // docs.docker.com/reference/api/registry/latest, Deleting Images: 403 while it is referenced, 500
  // while the delete is in progress.
  'docker-hub': {
    ...oci,
    deleteTagged: false,
    deleteInsideIndex: false,
    referenced: { status: 403, byTag: 'DENIED', byIndex: 'DENIED', byReferrer: 'DENIED' },
    deleteAnswer: 500,
    sha512Manifests: false,
    manyTags: false,
    catalog: false,
  },
  // Reported at github.com/enix/kube-image-keeper/issues/636 (tags) and by gcr-cleaner (indexes). A
  // referrer counts as a parent of its subject.
  gar: {
    ...oci,
    deleteTagged: false,
    deleteInsideIndex: false,
    deleteSubject: 'no',
    referenced: {
      status: 400,
      byTag: 'GOOGLE_MANIFEST_DANGLING_TAG',
      byIndex: 'GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE',
      byReferrer: 'GOOGLE_MANIFEST_REFERRING_MANIFEST',
    },
    sha512Manifests: false,
    manyTags: false,
    catalog: false,
  },
  // docs.aws.amazon.com/AmazonECR: tags only by its own API;
  // github.com/aws/containers-roadmap/issues/1229: manifests by this one.
  ecr: {
    ...oci,
    deleteTag: 'UNSUPPORTED',
    deleteBlob: false,
    sha512Manifests: false,
    manyTags: false,
    catalog: false,
    pageLimit: 1000,
  },
  // /acr/v1/_tags deletes tags; github.com/Azure/acr-cli/issues/70: `lockedTags` are 405.
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
