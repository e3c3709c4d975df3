"""Three RabbitMQ nodes on one machine, which make one broker: https://www.rabbitmq.com/docs/3.13/cluster-formation."""

import secrets
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import Self

from local import ports
from local.rabbitmq import RabbitMQ, account
from local.server import temporary_folder
from tests.waiting import wait_until

SIZE = 3


class Node(RabbitMQ):
    cookie: str
    peers: list[str]

    @property
    def node(self) -> str:
        return f"tandem-{self.name}@localhost"

    def prepare(self) -> None:
        super().prepare()
        self._write(".erlang.cookie", self.cookie)
        formation = ["peer_discovery_backend = classic_config"]
        formation += [f"classic_config.nodes.{number} = {peer}" for number, peer in enumerate(self.peers, 1)]
        settings = (self.folder / "rabbitmq.conf").read_text()
        self._write("rabbitmq.conf", settings + "".join(f"cluster_formation.{line}\n" for line in formation))


class Cluster:
    """`with`: nodes that can be killed and started one by one, their data kept. One port mapper serves them all."""

    def __init__(self) -> None:
        self.folder = temporary_folder(account())
        self.nodes: list[Node] = []
        taken: set[int] = set()
        for _ in range(2 * SIZE + 1):
            taken.add(ports.pick(taken))
        self.mapper_port, *node_ports = taken
        password, cookie, run = secrets.token_hex(16), secrets.token_hex(16), secrets.token_hex(4)
        for number in range(SIZE):
            home = self.folder / f"node{number}"
            home.mkdir(mode=0o711)
            port, peer_port = node_ports[2 * number : 2 * number + 2]
            node = Node(
                home / "rabbitmq", name=f"{run}-{number}", port=port, peer_port=peer_port,
                mapper_port=self.mapper_port, password=password,
            )  # fmt: skip
            node.cookie = cookie
            self.nodes.append(node)
        for node in self.nodes:
            node.peers = [peer.node for peer in self.nodes]

    def __enter__(self) -> Self:
        self._mapper = subprocess.Popen(
            ["epmd", "-port", str(self.mapper_port), "-address", "127.0.0.1"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            self.start()
            self.control("await_online_nodes", str(SIZE), "--timeout", "60")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with ThreadPoolExecutor(SIZE) as pool:
            list(pool.map(Node.kill, self.nodes))
        self._mapper.kill()
        self._mapper.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        """Start what does not run, at once: a node that was not the last to go waits for the others."""
        with ThreadPoolExecutor(SIZE) as pool:
            list(pool.map(Node.start, [node for node in self.nodes if not node.is_running()]))

    def control(self, *arguments: str) -> str:
        return next(node for node in self.nodes if node.is_running()).control("--quiet", *arguments)

    def leader(self, queue: str) -> Node:
        """The node that leads the queue's replicas."""

        def find() -> list[Node]:
            lines = self.control("list_queues", "name", "leader").splitlines()
            name = next((line.split()[1] for line in lines if line.split()[:1] == [queue]), None)
            return [node for node in self.nodes if node.node == name]

        return wait_until(find, seconds=30)[0]
