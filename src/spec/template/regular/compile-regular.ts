import { fault } from '../template-error.ts';
import type { Assertion, Matches, Regular, RegularNode } from './nodes.ts';

/** A step of the machine that matches. */
export type Step =
  | { readonly kind: 'letter'; readonly matches: Matches }
  | { readonly kind: 'assert'; readonly assertion: Assertion }
  | { readonly kind: 'save'; readonly slot: number }
  | { readonly kind: 'match' }
  /** Goes on at both, the first being preferred. */
  | { readonly kind: 'split'; first: number; second: number }
  | { readonly kind: 'jump'; to: number };

const maxSteps = 20_000;

/** The steps of a regular expression; it begins at the first one. */
export function compileRegular({ node }: Regular, source: string): readonly Step[] {
  const steps: Step[] = [];
  const push = <S extends Step>(step: S): S => {
    if (steps.length >= maxSteps) {
      throw fault(`error parsing regexp: expression too large: \`${source}\``);
    }
    steps.push(step);
    return step;
  };
  const split = (): { kind: 'split'; first: number; second: number } =>
    push({ kind: 'split', first: steps.length + 1, second: 0 });
  const jump = (to: number): { kind: 'jump'; to: number } => push({ kind: 'jump', to });

  /** Around the way behind: taken first where the repetition is greedy. */
  const choose = (
    step: { first: number; second: number },
    greedy: boolean,
    behind: number,
  ): void => {
    if (greedy) {
      step.second = behind;
    } else {
      step.second = step.first;
      step.first = behind;
    }
  };

  const repeat = (part: RegularNode & { readonly kind: 'repeat' }): void => {
    for (let i = 0; i < part.least; i++) emit(part.node);
    if (part.most === undefined) {
      const start = steps.length;
      const step = split();
      emit(part.node);
      jump(start);
      choose(step, part.greedy, steps.length);
      return;
    }
    const open: { kind: 'split'; first: number; second: number }[] = [];
    for (let i = part.least; i < part.most; i++) {
      open.push(split());
      emit(part.node);
    }
    for (const step of open) choose(step, part.greedy, steps.length);
  };

  const any = (nodes: readonly RegularNode[]): void => {
    const ends: { to: number }[] = [];
    for (const [index, part] of nodes.entries()) {
      if (index === nodes.length - 1) {
        emit(part);
        break;
      }
      const step = split();
      emit(part);
      ends.push(jump(0));
      step.second = steps.length;
    }
    for (const end of ends) end.to = steps.length;
  };

  const emit = (part: RegularNode): void => {
    switch (part.kind) {
      case 'empty':
        return;
      case 'letter':
        push({ kind: 'letter', matches: part.matches });
        return;
      case 'assert':
        push({ kind: 'assert', assertion: part.assertion });
        return;
      case 'group':
        push({ kind: 'save', slot: part.index * 2 });
        emit(part.node);
        push({ kind: 'save', slot: part.index * 2 + 1 });
        return;
      case 'all':
        for (const node of part.nodes) emit(node);
        return;
      case 'any':
        any(part.nodes);
        return;
      case 'repeat':
        repeat(part);
    }
  };

  emit(node);
  push({ kind: 'match' });
  return steps;
}
