import { Tag as TagIcon } from "lucide-react";
import { lazy, Suspense } from "react";
import { Button as AriaButton, Dialog as AriaDialog, DialogTrigger, Popover } from "react-aria-components";
import { t } from "../i18n";
import { Skeleton, ui } from "../ui/ui";
import type { Chosen } from "./TagChoices";

const TagChoices = lazy(async () => ({ default: (await import("./TagChoices")).TagChoices }));

interface Props extends Chosen {
  isOpen: boolean;
  setOpen: (isOpen: boolean) => void;
  /** What stands on the button; a picture, unless set. */
  text?: string;
}

/** Chooses tags, and makes a new one of the words that none has. */
export function TagMenu({ chosen, isOpen, setOpen, set, text }: Props) {
  return (
    <DialogTrigger isOpen={isOpen} onOpenChange={setOpen}>
      <AriaButton
        className={text === undefined ? `${ui["button"]} ${ui["icon"]}` : ui["button"]!}
        {...(text === undefined ? { "aria-label": t("tags.edit") } : {})}
      >
        {text ?? <TagIcon size={16} aria-hidden />}
      </AriaButton>
      <Popover className={ui["popover"]!} placement="bottom end">
        <AriaDialog aria-label={t("tags.edit")} className={ui["chooser"]!}>
          {/* The field would take the key to empty itself. */}
          <div
            onKeyDownCapture={(event) => {
              if (event.key !== "Escape" || event.nativeEvent.isComposing) return;
              event.stopPropagation();
              setOpen(false);
            }}
          >
            <Suspense fallback={<Skeleton rows={3} />}>
              <TagChoices chosen={chosen} set={set} />
            </Suspense>
          </div>
        </AriaDialog>
      </Popover>
    </DialogTrigger>
  );
}
