import type { InventoryLock } from '../../../images/inventory/inventory.ts'
import type { Call } from '../../../lib/call.ts'
import { DrayError, isDrayError } from '../../../lib/errors.ts'
import { isRecord } from '../../../oci/json.ts'
import { formatRepository, type RepositoryName } from '../../../oci/reference.ts'
import { SharedWork } from '../../http/shared-work.ts'
import { settingLine } from '../../http/transport/origins.ts'
import { answerFields } from '../api/fields.ts'
import type { GarApi } from './gar-api.ts'
import { anyLocation, type GarRepository, resourcePath } from './resource-names.ts'

/** The repositories whose kind was checked, once for each. */
export class CheckedRepositories {
  readonly #api: GarApi
  readonly #locks = new Map<string, SharedWork<InventoryLock | undefined>>()

  constructor(api: GarApi) {
    this.#api = api
  }

  /**
   * Returns the lock of all tags of a repository, if its tags are immutable.
   * @throws `unsupported` for a repository that only serves images of others, whose own list has
   * none of them.
   */
  async lockOfTags(of: GarRepository, name: RepositoryName, call: Call): Promise<InventoryLock | undefined> {
    const path = resourcePath(of, 'repositories', of.repository)
    const known = this.#locks.get(path) ?? new SharedWork((first) => this.#read(path, name, first))
    this.#locks.set(path, known)
    return await known.result(call)
  }

  async #read(path: string, repository: RepositoryName, call: Call): Promise<InventoryLock | undefined> {
    const subject = formatRepository(repository)
    const of = { doing: `read the settings of the repository of ${subject}`, repository }
    const { host } = this.#api.listOf(of)
    const fields = answerFields(await this.#get(path, of, call), host)
    const { format, mode, dockerConfig } = fields
    if (format !== 'DOCKER') throw notDocker(subject)
    if (mode === 'VIRTUAL_REPOSITORY' || mode === 'REMOTE_REPOSITORY') throw readOnly(subject, mode)
    return isRecord(dockerConfig) && dockerConfig['immutableTags'] === true
      ? { of: 'write', text: 'immutable tags' }
      : undefined
  }

  async #get(path: string, of: Parameters<GarApi['listOf']>[0], call: Call): Promise<unknown> {
    try {
      const answer = await this.#api.send({ ...of, path }, call)
      return await answer.json()
    } catch (error) {
      const isRefused = isDrayError(error) && (error.status === 400 || error.status === 404)
      throw isRefused && this.#api.location === anyLocation ? unknownLocation(this.#api, error) : error
    }
  }
}

function notDocker(subject: string): DrayError {
  return new DrayError('protocol', `${subject} is not in a repository for images`, {
    subject,
    why: 'the format of its repository is not DOCKER',
  })
}

/** cloud.google.com/artifact-registry/docs/repositories (virtual and remote repositories) */
function readOnly(subject: string, mode: 'VIRTUAL_REPOSITORY' | 'REMOTE_REPOSITORY'): DrayError {
  const kind = mode === 'VIRTUAL_REPOSITORY' ? 'virtual' : 'remote'
  return new DrayError('unsupported', `${subject} is in a ${kind} repository, which is read-only`, {
    subject,
    why: `a ${kind} repository of Artifact Registry serves images of other repositories`,
    hint: 'Name the repository that stores the images.',
  })
}

function unknownLocation({ registry, base }: GarApi, cause: DrayError): DrayError {
  const api = `api: "${base.origin}/locations/LOCATION"`
  return new DrayError('config', `dray does not know the location of the repositories of ${registry}`, {
    subject: registry,
    why: cause.why,
    hint: `Name it: ${settingLine(registry, `kind: gar, ${api}`)}`,
    cause,
  })
}
