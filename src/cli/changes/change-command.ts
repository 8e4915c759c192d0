import { type Call, firstOf } from '../../lib/call.ts'
import type { OperationName } from '../../plan/plan.ts'
import { BaseCommand } from '../command/base-command.ts'
import type { ChangeFlags } from '../command/change-flags.ts'
import type { Answers } from '../command/command-line.ts'
import type { AskPorts } from '../terminal/ask-images.ts'
import { keepHeapSmall } from '../wiring/small-heap.ts'
import { renderError } from '../../render/error.ts'
import type { ChangePorts, PlannedChange } from './operation.ts'
import type { EditFlags } from '../gitops/git-request.ts'
import type { TypesOf } from './operations.ts'
import type { PlacementTypes } from './placement-types.ts'

/** Bytes to transfer from which on the chunks of blobs would make the heap grow. */
const largeTransfer = 64 * 1024 * 1024

/** The base of the commands that change a registry. */
export abstract class ChangeCommand extends BaseCommand {
  protected override readonly graceful = true

  /** For what only reads: it ends at the first Ctrl-C, as it has nothing to finish. */
  protected get reading(): Call {
    return { ...this.call, signal: firstOf(this.call.signal, this.stop) }
  }

  /** Shows, saves or executes a plan, as the flags say, and ends the command. */
  protected async carryOut<Name extends OperationName>(
    name: Name,
    change: PlannedChange<TypesOf<Name>>,
    flags: ChangeFlags,
  ): Promise<void> {
    const [{ carryOut }, { operationNamed }] = await Promise.all([
      import('./carry-out.ts'),
      import('./operations.ts'),
    ])
    await carryOut(await operationNamed(name, change.plan), change, this.portsFor(flags))
  }

  /** Adds the edits of deployment files that flags ask for. Without them, nothing is loaded. */
  protected async withEdits(
    change: PlannedChange<PlacementTypes>,
    flags: EditFlags,
  ): Promise<PlannedChange<PlacementTypes>> {
    const { gitops, commit, push, pr } = flags
    if ([gitops, commit, push, pr].every((flag) => flag !== true)) return change
    const { withEdits } = await import('../gitops/add-edits.ts')
    return await withEdits(change, flags, this.context, this.reading)
  }

  /** Returns the ports that this command gives to the change pipeline. */
  protected portsFor(flags: ChangeFlags): ChangePorts {
    return {
      flags,
      context: this.context,
      call: this.call,
      reading: this.reading,
      stop: this.stop,
      random: Math.random,
      terminal: {
        errorPage: this.errorPage,
        say: (text) => this.say(text),
        warn: (text) => this.warn(text),
        ask: (question) => this.ask(question),
        questions: () => this.questions,
        expectBytes: (bytes) => {
          if (bytes >= largeTransfer) keepHeapSmall()
          this.expectBytes(bytes)
        },
        showPlan: (text) => this.printAside(text),
        reportFailure: ({ image, error }) => {
          const isNamed = image === undefined || error.message.includes(image)
          const message = isNamed ? error.message : `${image}: ${error.message}`
          if (this.format !== 'text')
            this.printAside(renderError({ ...error, message }, this.errorPage.style))
        },
        finish: (document, text, exitCode, lines) => this.finish(document, text, exitCode, lines),
      },
    }
  }

  /** Who answers questions about missing arguments; undefined if the run is non-interactive. */
  protected async asking(): Promise<AskPorts | undefined> {
    const { questions } = this
    if (questions === undefined) return undefined
    const { config } = await this.context.config()
    return {
      config,
      questions,
      tagsOf: async (repository) => {
        const { listTags } = await import('../../images/tags/tags.ts')
        return await listTags((await this.context.stores()).source(repository), this.reading)
      },
    }
  }

  /** Shows the command line that does the same without questions. */
  protected async sayWithoutQuestions(answers: Answers): Promise<void> {
    const { sameCommand } = await import('../command/command-line.ts')
    this.say(`Without prompts: ${sameCommand(this.id, this.argv, answers)}`)
  }
}
