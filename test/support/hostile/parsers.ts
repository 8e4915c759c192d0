import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeBase64 } from '../../../src/signing/base64.ts'
import { parseEntry } from '../../../src/audit/log/chain.ts'
import {
  formatCheckpoint,
  openCheckpoint,
  parseCheckpoint,
} from '../../../src/audit/checkpoint/checkpoint.ts'
import { envelopeToJson, parseEnvelope, signEnvelope } from '../../../src/signing/dsse.ts'
import { parseMoment } from '../../../src/audit/query/filter.ts'
import { formatVkey, noteSigner, readNoteVerifier, verifierOf } from '../../../src/signing/note-keys.ts'
import {
  formatPromotion,
  promotionOf as readPromotion,
} from '../../../src/audit/attestation/promotion-statement.ts'
import { parseStatement } from '../../../src/signing/statement.ts'
import { findRecordProblem } from '../../../src/audit/log/record-problems.ts'
import { formatNote, parseNote, signNote } from '../../../src/signing/signed-note.ts'
import { parseSigningKey, parseVerifyKey } from '../../../src/signing/signing-keys.ts'
import { formatBundle, parseBundle } from '../../../src/signing/sigstore-bundle.ts'
import { parseTrustedRoot } from '../../../src/signing/keyless/trusted-root.ts'
import { parseSimpleSigning } from '../../../src/signing/trust/signed-content.ts'
import { parseTrustedKey } from '../../../src/signing/trust/trusted-key.ts'
import { parseReport } from '../../../src/cli/ci/ci-report.ts'
import { parseDuration } from '../../../src/cli/command/duration.ts'
import { parseShard } from '../../../src/cli/arguments/shard.ts'
import { parseChannels, parseLevels } from '../../../src/cli/command/tag-flags.ts'
import { emptyConfig } from '../../../src/config/config.ts'
import { parseConfig } from '../../../src/config/parse.ts'
import { parseArgument, parseImage } from '../../../src/config/resolver/argument-grammar.ts'
import { parseRepositoryPattern } from '../../../src/config/resolver/repository-pattern.ts'
import { retentionOf } from '../../../src/config/retention/retention.ts'
import { parseRecord } from '../../../src/embedded/storage/manifest-record.ts'
import { routeOf } from '../../../src/embedded/routes.ts'
import { parseHtpasswd, userOfBasic } from '../../../src/embedded/access/users.ts'
import { parseChallenges } from '../../../src/registry/http/auth/challenge.ts'
import { httpDate, nextLink, retryAfterMs, warningTexts } from '../../../src/registry/http/headers.ts'
import { registryOrigin } from '../../../src/registry/http/transport/origins.ts'
import { parsePostUrl } from '../../../src/registry/http/post.ts'
import { redactText } from '../../../src/registry/http/redact.ts'
import { challengeScopes } from '../../../src/registry/http/auth/scopes.ts'
import { Secrets } from '../../../src/registry/http/secrets.ts'
import { readRealm } from '../../../src/registry/http/auth/token-realms.ts'
import { interpolate } from '../../../src/deployments/references/formats/compose.ts'
import { editFile } from '../../../src/deployments/edit/edit-file.ts'
import { openFile } from '../../../src/deployments/edit/open-file.ts'
import { documentsOf } from '../../../src/deployments/references/documents.ts'
import { filesMatching } from '../../../src/deployments/files/glob.ts'
import { JsonListReader } from '../../../src/deployments/inuse/json-list.ts'
import { transformOfText } from '../../../src/deployments/references/formats/kustomize.ts'
import { readList } from '../../../src/deployments/inuse/list.ts'
import { findReferences } from '../../../src/deployments/references/references-in.ts'
import { parseLayoutIndex } from '../../../src/layout/index-file.ts'
import { LinearRegExp } from '../../../src/lib/linear-regexp.ts'
import { parseCreated } from '../../../src/oci/created.ts'
import { digestOf, parseDigest } from '../../../src/oci/digest.ts'
import { subjectOfEvidenceTag } from '../../../src/oci/evidence-tags.ts'
import { isRecord, parseJson } from '../../../src/oci/json.ts'
import { parseManifest } from '../../../src/oci/manifest.ts'
import { bareMediaType, mediaTypes } from '../../../src/oci/media-types.ts'
import { parsePlatformName } from '../../../src/oci/platform.ts'
import { parseReference, parseRegistry, parseRepository, parseTag } from '../../../src/oci/reference.ts'
import { fitsSomeTag, includesGlob, matchesGlob } from '../../../src/oci/tag-glob.ts'
import { formatPlanFile, parsePlanFile } from '../../../src/plan/plan-file.ts'
import { isSatisfiable, parseRange } from '../../../src/semver/range/range.ts'
import { parseVersionTag, type VersionReading } from '../../../src/semver/version.ts'
import { createdInConfig } from '../../../src/images/config/image-config.ts'
import { parseImageSettings } from '../../../src/images/config/image-settings.ts'
import { promotionOf } from '../attestations.ts'
import { prunePlan } from '../prune-plans.ts'
import { simplePayload } from '../signing/signed.ts'
import { deploymentParsers } from './deployment-parsers.ts'
import { eventParsers } from './event-parsers.ts'

/** Parses external bytes. The result does not matter. */
export interface Parser {
  readonly name: string
  /** something that it reads, for mutations */
  readonly sample: string
  readonly parse: (bytes: Uint8Array) => unknown
}

const ofText =
  (parse: (text: string) => unknown) =>
  (bytes: Uint8Array): unknown =>
    parse(Buffer.from(bytes).toString())

const registry = 'r.test'
const origin = new URL('https://r.test')
const now = Date.UTC(2026, 10, 23)
const digest = digestOf('')
/** Every rule of reading applies to the tag. */
const hostileReading: VersionReading = {
  scheme: 'loose',
  variants: ['*-slim', 'a?*', 'debian-*'],
  ignoreVersions: ['*-*_*x'],
  buildMetadata: true,
  twoNumbers: true,
}
const call = { signal: new AbortController().signal, notify: () => undefined }
const descriptor = (mediaType: string): string =>
  `{"mediaType":"${mediaType}","digest":"${digest}","size":2,"annotations":{"org.opencontainers.image.ref.name":"1.4"}}`
const config = `version: 1
environments:
  dev: { registry: r.test, path: "dev/{image}" }
  prod: { registry: r.test, path: "prod/{image}", promoteFrom: [dev], attest: false }
images: { api: {} }
retention:
  protect: [{ tags: [latest] }]
  rules: [{ name: a, repositories: ["@dev"], tags: { regex: 'pr-\\d+' }, olderThan: 14d }]
`

/** The configuration with the text at one of its places. */
const inConfig =
  (before: string, after: string) =>
  (bytes: Uint8Array): unknown => {
    const text = JSON.stringify(Buffer.from(bytes).toString().toWellFormed())
    const content = `${config.slice(0, config.indexOf('retention:'))}${before}${text}${after}`
    return retentionOf(parseConfig({ file: '/x/dray.yaml', content }, 'dray.yaml'))
  }

async function listItems(bytes: Uint8Array): Promise<unknown> {
  const reader = new JsonListReader('the cluster')
  const items: unknown[] = []
  for (let at = 0; at < bytes.byteLength; at += 65_536)
    items.push(...reader.push(bytes.subarray(at, at + 65_536)))
  return [reader.end(), ...items.map((item, i) => [...findReferences(item, `item ${i}`).found])]
}

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const privatePem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const publicPem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
const signingKey = parseSigningKey(privatePem, 'a key')
const signer = noteSigner('log.test', signingKey)
const statement = Buffer.from(formatPromotion(promotionOf(digest))).toString()
const envelope = signEnvelope('application/vnd.in-toto+json', Buffer.from(statement), signingKey)
const checkpoint = formatCheckpoint({ origin: 'log.test', size: 1, root: Buffer.alloc(32) })
const note = formatNote(signNote(checkpoint, signer))
const plan = formatPlanFile(prunePlan([]))

export const parsers: readonly Parser[] = [
  { name: 'parseReference', sample: `r.test:5000/team/api:1.4.2@${digest}`, parse: ofText(parseReference) },
  { name: 'parseTag', sample: '1.4.2', parse: ofText(parseTag) },
  { name: 'parseRepository', sample: 'r.test/team/api', parse: ofText((text) => parseRepository(text)) },
  { name: 'parseRegistry', sample: '[::1]:5000', parse: ofText(parseRegistry) },
  { name: 'parseDigest', sample: digest, parse: ofText(parseDigest) },
  { name: 'parseCreated', sample: '2026-11-23T00:00:00.123Z', parse: ofText(parseCreated) },
  { name: 'parsePlatformName', sample: 'linux/arm/v7', parse: ofText(parsePlatformName) },
  { name: 'bareMediaType', sample: 'text/plain; charset=utf-8', parse: ofText(bareMediaType) },
  {
    name: 'subjectOfEvidenceTag',
    sample: `${digest.replace(':', '-')}.sig`,
    parse: ofText(subjectOfEvidenceTag),
  },
  {
    name: 'globs of tags',
    sample: 'pr-*-?',
    parse: ofText((text) => [
      matchesGlob(text, 'a'.repeat(128)),
      fitsSomeTag(text),
      includesGlob(text, 'a*'),
      includesGlob('*a*', text),
    ]),
  },
  { name: 'parseJson', sample: '{"a":[1,{"b":null}]}', parse: (bytes) => parseJson(bytes, 'it') },
  {
    name: 'parseManifest (index)',
    sample: `{"schemaVersion":2,"mediaType":"${mediaTypes.index}","manifests":[${descriptor(mediaTypes.manifest)}]}`,
    parse: (bytes) => parseManifest(bytes, mediaTypes.index, 'it'),
  },
  {
    name: 'parseManifest (manifest)',
    sample: `{"schemaVersion":2,"mediaType":"${mediaTypes.manifest}","config":${descriptor(mediaTypes.config)},"layers":[${descriptor('application/x')}],"subject":${descriptor(mediaTypes.manifest)}}`,
    parse: (bytes) => parseManifest(bytes, mediaTypes.manifest, 'it'),
  },
  {
    name: 'parseManifest (its type)',
    sample: mediaTypes.index,
    parse: ofText((text) =>
      parseManifest(
        Buffer.from(`{"schemaVersion":2,"mediaType":${JSON.stringify(text)},"manifests":[]}`),
        text,
        'it',
      ),
    ),
  },
  {
    name: 'createdInConfig',
    sample: '{"created":"2026-11-23T00:00:00Z"}',
    parse: (bytes) => createdInConfig(bytes, 'it'),
  },
  {
    name: 'parseImageSettings',
    sample:
      '{"Entrypoint":["a"],"Cmd":["b"],"Env":["A=b"],"Labels":{"a":"b"},"ExposedPorts":{"80/tcp":{}},"User":"1"}',
    parse: (bytes) => {
      const body = parseJson(bytes, 'it')
      return isRecord(body) ? parseImageSettings(body, 'it') : undefined
    },
  },
  {
    name: 'parseChallenges',
    sample: 'Basic charset=x, Bearer realm="https://r.test/token",service="r",scope="repository:a:pull"',
    parse: ofText((text) =>
      parseChallenges(text).map(({ parameters }) => [
        challengeScopes(parameters.get('scope') ?? ''),
        parameters.has('realm') && readRealm(registry, origin, parameters.get('realm') ?? ''),
      ]),
    ),
  },
  {
    name: 'challengeScopes',
    sample: 'repository:a/b:pull,push registry:catalog:*',
    parse: ofText(challengeScopes),
  },
  {
    name: 'readRealm',
    sample: 'https://r.test/token',
    parse: ofText((text) => readRealm(registry, origin, text)),
  },
  { name: 'registryOrigin', sample: 'r.test:5000', parse: ofText((text) => registryOrigin(text)) },
  {
    name: 'parsePostUrl',
    sample: 'https://hooks.test/x',
    parse: ofText((text) => parsePostUrl(text, false)),
  },
  { name: 'nextLink', sample: '</v2/x/tags/list?last=a>; rel="next"', parse: ofText(nextLink) },
  {
    name: 'retryAfterMs',
    sample: 'Mon, 23 Nov 2026 00:00:00 GMT',
    parse: ofText((text) => [retryAfterMs(text, now), httpDate(text, now)]),
  },
  { name: 'warningTexts', sample: '299 - "old", 299 x "older"', parse: ofText(warningTexts) },
  { name: 'redactText', sample: 'Basic abcdef at https://u:p@r.test/x?y=z', parse: ofText(redactText) },
  {
    name: 'Secrets',
    sample: 'a password',
    parse: ofText((text) => {
      const secrets = new Secrets()
      secrets.add(text)
      secrets.addToken(text)
      return secrets.redact(`${text} and ${text}`.slice(0, 100_000))
    }),
  },
  {
    name: 'parseConfig',
    sample: config,
    parse: ofText((content) => retentionOf(parseConfig({ file: '/x/dray.yaml', content }, 'dray.yaml'))),
  },
  {
    name: 'a host in the configuration',
    sample: 'r.test',
    parse: inConfig('registries: { ', ': { insecure: true } }\n'),
  },
  {
    name: 'a glob in the configuration',
    sample: 'pr-*',
    parse: inConfig('retention: { rules: [{ name: a, tags: [', '] }] }\n'),
  },
  {
    name: 'an expression in the configuration',
    sample: 'pr-(?<n>\\d+)',
    parse: inConfig('retention: { rules: [{ name: a, tags: { regex: ', ' } }] }\n'),
  },
  {
    name: 'a range in the configuration',
    sample: '>=1.2 <3',
    parse: inConfig('retention: { rules: [{ name: a, tags: { semver: ', ' } }] }\n'),
  },
  {
    name: 'an age in the configuration',
    sample: '14d',
    parse: inConfig('retention: { rules: [{ name: a, olderThan: ', ' }] }\n'),
  },
  {
    name: 'a repository in the configuration',
    sample: '@dev/*',
    parse: inConfig('retention: { rules: [{ name: a, repositories: [', '], keepNewest: 1 }] }\n'),
  },
  {
    name: 'a name in the configuration',
    sample: 'a',
    parse: inConfig('retention: { rules: [{ name: ', ', keepNewest: 1 }] }\n'),
  },
  {
    name: 'parseArgument',
    sample: '@staging/api:1.4.2',
    parse: ofText(parseArgument),
  },
  {
    name: 'parseImage',
    sample: 'team/api:1.4.2',
    parse: ofText((text) => parseImage(text, text)),
  },
  {
    name: 'parseRepositoryPattern',
    sample: '@staging/**',
    parse: ofText((text) => parseRepositoryPattern(text, emptyConfig)),
  },
  {
    name: 'parseRange',
    sample: '>=1.2.3-rc.1 <2 || ~3',
    parse: ofText((text) => isSatisfiable(parseRange(text))),
  },
  {
    name: 'parseVersionTag',
    sample: 'v1.4.2-rc.1_build-debian-12-slim',
    parse: ofText((text) => parseVersionTag(text, hostileReading)),
  },
  {
    name: 'LinearRegExp',
    sample: 'pr-(?<n>\\d+)-.*',
    parse: ofText((text) => LinearRegExp.parse(text).match('a'.repeat(128))),
  },
  {
    name: 'documentsOf',
    sample: 'kind: Pod\nspec: { containers: [{ image: "r.test/a:1" }] }\n---\n{}\n',
    parse: ofText((text) =>
      [...documentsOf(text, 'it')].map(({ value, where }) => findReferences(value, where).found),
    ),
  },
  {
    name: 'editFile',
    sample: 'image: &i r.test/a:1 # c\nv: |\n  tag: 1\nb: { <<: { c: *i }, d: "e" }\n',
    parse: (bytes) => {
      const file = openFile({ name: 'it.yaml', bytes })
      const place = { document: 0, path: ['image'] }
      const changes = file.find(place) === undefined ? [] : [{ kind: 'set', place, value: 'b' } as const]
      return editFile(file, changes, { mayShare: () => true })
    },
  },
  {
    name: 'editFile of tfvars',
    sample: 'a = "b" # c\nl = [{ x = 1 }, "$${y}"] /* d */\n',
    parse: (bytes) => openFile({ name: 'it.tfvars', bytes }).documents,
  },
  {
    name: 'readList',
    sample: 'r.test/a:1 # one\nr.test/b:2\n',
    parse: (bytes) =>
      readList(
        'it',
        async function* () {
          yield bytes
        },
        call,
      ),
  },
  { name: 'JsonListReader', sample: '{"kind":"List","items":[{"kind":"Pod","spec":{}}]}', parse: listItems },
  { name: 'interpolate', sample: '${A:-b}:${C-${D:-e}}', parse: ofText(interpolate) },
  { name: 'transformOfText', sample: 'a=r.test/b:1', parse: ofText(transformOfText) },
  {
    name: 'filesMatching',
    sample: 'a/{b,c}/[x-z]*/**',
    parse: ofText((glob) => filesMatching(glob, import.meta.dirname, call)),
  },
  {
    name: 'parsePlanFile',
    sample: plan,
    parse: (bytes) => parsePlanFile(bytes, 'it'),
  },
  {
    name: 'parseStatement',
    sample: statement,
    parse: (bytes) => readPromotion(parseStatement(bytes, 'it'), 'it'),
  },
  {
    name: 'parseEnvelope',
    sample: JSON.stringify(envelopeToJson(envelope)),
    parse: (bytes) => parseEnvelope(parseJson(bytes, 'it'), 'it'),
  },
  {
    name: 'parseBundle',
    sample: Buffer.from(formatBundle(envelope, signingKey)).toString(),
    parse: (bytes) => parseBundle(bytes, 'it'),
  },
  {
    name: 'parseSimpleSigning',
    sample: simplePayload(),
    parse: (bytes) => parseSimpleSigning(bytes, 'it'),
  },
  {
    name: 'parseTrustedRoot',
    sample: readFileSync(join(import.meta.dirname, '../../fixtures/sigstore/public-root.json'), 'utf8'),
    parse: ofText((text) => parseTrustedRoot(text, 'root.json', 'required')),
  },
  {
    name: 'parseTrustedKey',
    sample: publicPem,
    parse: ofText((text) => parseTrustedKey(text, 'it', '2026-06-30')),
  },
  {
    name: 'parseNote',
    sample: note,
    parse: (bytes) => parseNote(bytes, 'it'),
  },
  {
    name: 'openCheckpoint',
    sample: note,
    parse: (bytes) => openCheckpoint(bytes, [verifierOf(signer)], 'it'),
  },
  {
    name: 'parseCheckpoint',
    sample: checkpoint,
    parse: ofText((text) => parseCheckpoint(text, 'it')),
  },
  {
    name: 'readNoteVerifier',
    sample: formatVkey(verifierOf(signer)),
    parse: ofText((text) => readNoteVerifier(text, 'a', 'it')),
  },
  {
    name: 'parseSigningKey',
    sample: privatePem,
    parse: ofText((text) => parseSigningKey(text, 'it', 'password')),
  },
  {
    name: 'parseVerifyKey',
    sample: publicPem,
    parse: ofText((text) => parseVerifyKey(text, 'it')),
  },
  {
    name: 'parseEntry',
    sample: '{"seq":1,"prev":null,"time":"2026-11-23T00:00:00Z","phase":"intent","schema":"dray.audit/1"}',
    parse: (bytes) => findRecordProblem(parseEntry({ raw: Buffer.from(bytes), state: 'whole' })),
  },
  { name: 'decodeBase64', sample: 'eA==', parse: ofText(decodeBase64) },
  {
    name: 'parseMoment',
    sample: '2026-11-23',
    parse: ofText((text) => [
      parseMoment(text, 'since', now, '--since'),
      parseMoment(text, 'until', now, '--until'),
    ]),
  },
  {
    name: 'parseLayoutIndex',
    sample: `{"schemaVersion":2,"manifests":[${descriptor(mediaTypes.manifest)}]}`,
    parse: (bytes) => parseLayoutIndex(bytes, 'it'),
  },
  { name: 'parseHtpasswd', sample: 'ada:{SHA}x\n# x\ngrace:y\n', parse: ofText(parseHtpasswd) },
  { name: 'userOfBasic', sample: 'Basic YTpi', parse: ofText((text) => userOfBasic(text, { a: 'b' })) },
  { name: 'routeOf', sample: '/v2/team/api/manifests/1', parse: ofText(routeOf) },
  { name: 'parseRecord', sample: `{"mediaType":"x"}`, parse: (bytes) => parseRecord(bytes, digest) },
  { name: 'parseDuration', sample: '1h30m', parse: ofText((text) => parseDuration(text, '--timeout')) },
  { name: 'parseShard', sample: '1/4', parse: ofText(parseShard) },
  { name: 'parseReport', sample: 'dotenv=x', parse: ofText(parseReport) },
  { name: 'parseLevels', sample: 'major,minor', parse: ofText(parseLevels) },
  { name: 'parseChannels', sample: 'beta,rc', parse: ofText((text) => parseChannels([text])) },
  ...deploymentParsers,
  ...eventParsers,
]
