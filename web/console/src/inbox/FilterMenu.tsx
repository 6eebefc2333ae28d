import { ChevronDown } from "lucide-react";
import { Button, Menu, MenuItem, MenuTrigger, Popover } from "react-aria-components";
import { ui } from "../ui/ui";
import css from "./Inbox.module.css";

interface Props {
  label: string;
  any: string;
  chosen: string | undefined;
  options: readonly { id: string; name: string }[];
  choose: (id: string | null) => void;
}

const ANY = "any";

/** Chooses one of a few, or any. */
export function FilterMenu({ label, any, chosen, options, choose }: Props) {
  const name = options.find((option) => option.id === chosen)?.name;
  return (
    <MenuTrigger>
      <Button className={css["filter"]!} data-set={chosen === undefined ? undefined : true} aria-label={`${label}: ${name ?? any}`}>
        {name ?? label}
        <ChevronDown size={12} aria-hidden />
      </Button>
      <Popover className={ui["popover"]!} placement="bottom start">
        <Menu
          className={ui["menu"]!}
          aria-label={label}
          selectionMode="single"
          disallowEmptySelection
          selectedKeys={[chosen ?? ANY]}
          onAction={(key) => choose(key === ANY ? null : String(key))}
        >
          <MenuItem id={ANY} className={ui["item"]!}>
            {any}
          </MenuItem>
          {options.map((option) => (
            <MenuItem key={option.id} id={option.id} className={ui["item"]!} textValue={option.name}>
              <span dir="auto">{option.name}</span>
            </MenuItem>
          ))}
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
